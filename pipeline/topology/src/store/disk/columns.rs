//! Columns in and out of Parquet: only what is needed of it, without Arrow.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// zstd's level: 3 is where more costs much and gains little.
const LEVEL: i32 = 3;

/// A column of required values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Column {
    /// `int32`.
    Int(Vec<i32>),
    /// `int64`.
    Long(Vec<i64>),
    /// `binary`.
    Bytes(Vec<ByteArray>),
}

impl Column {
    pub(crate) fn ints(self) -> Option<Vec<i32>> {
        if let Self::Int(values) = self { Some(values) } else { None }
    }

    pub(crate) fn longs(self) -> Option<Vec<i64>> {
        if let Self::Long(values) = self { Some(values) } else { None }
    }

    pub(crate) fn bytes(self) -> Option<Vec<ByteArray>> {
        if let Self::Bytes(values) = self { Some(values) } else { None }
    }
}

/// Where the rows of a file come from, so that not all of them are columns at once.
pub(crate) trait Groups {
    /// The columns of the next group of rows.
    fn next_group(&mut self) -> Option<Vec<Column>>;

    /// What the file notes of itself, once all groups are written.
    fn notes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// One group.
impl Groups for Option<Vec<Column>> {
    fn next_group(&mut self) -> Option<Vec<Column>> {
        self.take()
    }
}

/// Writes a file's bytes. Rows are sorted by as many of the first columns.
pub(crate) fn write(schema: &str, groups: &mut dyn Groups, sorted_by: i32) -> Result<Vec<u8>, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by("tidewatch".to_owned());
    let schema = Arc::new(parse_message_type(schema)?);
    for field in schema.get_fields() {
        let encoding = match field.get_physical_type() {
            parquet::basic::Type::BYTE_ARRAY => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            _ => Encoding::DELTA_BINARY_PACKED,
        };
        properties = properties.set_column_encoding(field.name().into(), encoding);
    }
    let sorted =
        (0..sorted_by).map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false }).collect();
    let properties = Arc::new(properties.set_sorting_columns(Some(sorted)).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    while let Some(columns) = groups.next_group() {
        let mut group = writer.next_row_group()?;
        for column in &columns {
            let mut into = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
            match column {
                Column::Int(values) => into.typed::<Int32Type>().write_batch(values, None, None)?,
                Column::Long(values) => into.typed::<Int64Type>().write_batch(values, None, None)?,
                Column::Bytes(values) => into.typed::<ByteArrayType>().write_batch(values, None, None)?,
            };
            into.close()?;
        }
        group.close()?;
    }
    for (key, value) in groups.notes() {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    writer.into_inner()
}

/// A file to read.
pub(crate) struct Reader(SerializedFileReader<std::fs::File>);

impl Reader {
    pub(crate) fn open(file: std::fs::File) -> Result<Self, ParquetError> {
        SerializedFileReader::new(file).map(Self)
    }

    pub(crate) fn groups(&self) -> usize {
        self.0.num_row_groups()
    }

    /// What a file notes under a key.
    pub(crate) fn note(&self, key: &str) -> Option<String> {
        let notes = self.0.metadata().file_metadata().key_value_metadata()?;
        notes.iter().find(|note| note.key == key)?.value.clone()
    }

    /// The smallest and the largest value of a column of a group, if the file says.
    pub(crate) fn range(&self, group: usize, name: &str) -> Option<(i64, i64)> {
        let group = self.0.metadata().row_groups().get(group)?;
        let column = group.columns().iter().find(|column| column.column_path().string() == name)?;
        let Statistics::Int64(told) = column.statistics()? else { return None };
        Some((*told.min_opt()?, *told.max_opt()?))
    }

    /// All columns of a group of rows, by the names asked for.
    pub(crate) fn read(&self, group: usize, names: &[&str]) -> Result<Vec<Column>, ParquetError> {
        let reader = self.0.get_row_group(group)?;
        let rows = usize::try_from(reader.metadata().num_rows()).unwrap_or_default();
        names.iter().map(|name| read_column(reader.as_ref(), name, rows)).collect()
    }
}

fn read_column(group: &dyn RowGroupReader, name: &str, rows: usize) -> Result<Column, ParquetError> {
    let missing = || ParquetError::General(format!("there is no column `{name}`"));
    let place = group.metadata().columns().iter().position(|column| column.column_path().string() == name);
    let column = match group.get_column_reader(place.ok_or_else(missing)?)? {
        ColumnReader::Int32ColumnReader(mut reader) => {
            let mut values = Vec::with_capacity(rows);
            reader.read_records(rows, None, None, &mut values)?;
            Column::Int(values)
        }
        ColumnReader::Int64ColumnReader(mut reader) => {
            let mut values = Vec::with_capacity(rows);
            reader.read_records(rows, None, None, &mut values)?;
            Column::Long(values)
        }
        ColumnReader::ByteArrayColumnReader(mut reader) => {
            let mut values = Vec::with_capacity(rows);
            reader.read_records(rows, None, None, &mut values)?;
            Column::Bytes(values)
        }
        _ => return Err(ParquetError::General(format!("column `{name}` has another type"))),
    };
    let length = match &column {
        Column::Int(values) => values.len(),
        Column::Long(values) => values.len(),
        Column::Bytes(values) => values.len(),
    };
    if length != rows {
        return Err(ParquetError::General(format!("column `{name}` has {length} of {rows} values")));
    }
    Ok(column)
}
