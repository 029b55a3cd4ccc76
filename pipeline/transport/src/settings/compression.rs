//! Names and levels of codecs.

use config::{Check, Config};

use crate::compression::{Codec, Compression};

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unsupported compression type {:?}")]
pub enum CompressionType {
    /// Not at all.
    #[default]
    #[config(alias = "")]
    None,
    /// Understood everywhere, the slowest.
    Gzip,
    /// zlib, under that name.
    Zlib,
    /// zlib, under HTTP's name.
    Deflate,
    /// Smaller and faster than gzip.
    Zstd,
    /// Fast and light; a block in HTTP, frames in gRPC.
    Snappy,
    /// Snappy frames in HTTP.
    #[config(rename = "x-snappy-framed")]
    XSnappyFramed,
    /// LZ4 frames.
    Lz4,
}

impl CompressionType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::XSnappyFramed => "x-snappy-framed",
            Self::Lz4 => "lz4",
        }
    }

    /// The codec under its gRPC name; `None` for no compression and for names that gRPC does not have.
    pub(super) fn for_grpc(self, params: &CompressionParams) -> Option<Compression> {
        let codec = Codec::of_grpc_encoding(self.name()).ok()??;
        Some(Compression { codec, level: params.chosen() })
    }

    pub(super) fn exists_in_grpc(self) -> bool {
        self == Self::None || Codec::of_grpc_encoding(self.name()).is_ok()
    }

    /// Reports a level that the codec does not have, in the Collector's words.
    pub(super) fn check_level(self, params: &CompressionParams, check: &mut Check<'_, '_>) {
        let level = params.level;
        let exists = match self {
            Self::Gzip | Self::Zlib | Self::Deflate => (-2..=9).contains(&level),
            Self::Zstd => (0..=22).contains(&level),
            Self::None | Self::Snappy | Self::XSnappyFramed | Self::Lz4 => level == 0,
        };
        let text = format!("unsupported parameters {{Level:{level}}} for compression type {:?}", self.name());
        check.require(exists, "compression_params", text);
    }
}

/// How hard a codec tries.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct CompressionParams {
    /// gzip, zlib and deflate: 1 (fast) to 9 (small); zstd: 1 to 22. 0 is the codec's default.
    pub level: i32,
}

impl CompressionParams {
    /// The level, if it is not the codec's default.
    pub(super) fn chosen(&self) -> Option<i32> {
        Some(self.level).filter(|level| *level != 0)
    }
}
