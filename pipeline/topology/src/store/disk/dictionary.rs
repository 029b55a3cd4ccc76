//! The names behind the numbers: entities, edges and facts as Parquet files of their own.

use std::path::Path;
use std::sync::Arc;

use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;

use super::columns::{Column, Reader, write};
use crate::store::entities::Known;
use crate::store::facts::{Edge, Fact, Seen, Table};
use crate::store::spread::{moment_of, step_of};
use crate::{
    EntityId, Inside, Kind, Lane, Moment, Name, Outside, Protocol, Service, ServiceOrigin, Transport, Who, Workload,
};

/// Numbers for "none".
const NONE: i32 = -1;

const ENTITIES: &str = "message entities {
    required int32 entity (integer(32,false));
    required binary cluster (string);
    required binary namespace (string);
    required binary kind (string);
    required binary name (string);
    required binary service (string);
    required binary service_origin (string);
    required int64 first_seen (timestamp(millis,true));
    required int64 last_seen (timestamp(millis,true));
}";
const EDGES: &str = "message edges {
    required int32 edge (integer(32,false));
    required int32 source;
    required int32 target;
    required int64 first_seen (timestamp(millis,true));
    required int64 last_seen (timestamp(millis,true));
    required int64 days;
}";
const FACTS: &str = "message facts {
    required int32 fact (integer(32,false));
    required int32 edge (integer(32,false));
    required binary lane (string);
    required binary protocol (string);
    required int32 port;
    required binary transport (string);
}";

/// The three files' bytes: entities, edges, facts.
pub(crate) fn encode(known: &[Known], table: &Table) -> Result<[Vec<u8>; 3], ParquetError> {
    Ok([
        write(ENTITIES, &mut Some(entity_columns(known)), 1)?,
        write(EDGES, &mut Some(edge_columns(table)), 1)?,
        write(FACTS, &mut Some(fact_columns(table)), 1)?,
    ])
}

fn time(step: u32) -> i64 {
    i64::try_from(moment_of(step).0 / 1_000_000).unwrap_or(i64::MAX)
}

fn step(time: i64) -> u32 {
    step_of(Moment(u64::try_from(time).unwrap_or_default().saturating_mul(1_000_000)))
}

fn numbers(count: usize) -> Column {
    Column::Int((0..count).map(|number| number as i32).collect())
}

fn text<'a>(values: impl Iterator<Item = &'a str>) -> Column {
    Column::Bytes(values.map(ByteArray::from).collect())
}

fn entity_columns(known: &[Known]) -> Vec<Column> {
    let inside = |known: &'_ Known| match &known.who {
        Who::Inside(inside) => Some(inside.clone()),
        Who::Outside(_) => None,
    };
    let services: Vec<Option<Service>> = known.iter().map(|known| inside(known)?.service).collect();
    vec![
        numbers(known.len()),
        text(known.iter().map(|known| match &known.who {
            Who::Inside(inside) => &*inside.cluster,
            Who::Outside(outside) => &*outside.cluster,
        })),
        text(known.iter().map(|known| match &known.who {
            Who::Inside(inside) => &*inside.namespace,
            Who::Outside(_) => "",
        })),
        text(known.iter().map(|known| match &known.who {
            Who::Inside(inside) => inside.workload.as_ref().map_or("", |workload| workload.kind.as_str()),
            Who::Outside(outside) => outside.kind.as_str(),
        })),
        text(known.iter().map(|known| match &known.who {
            Who::Inside(inside) => inside.workload.as_ref().map_or("", |workload| &*workload.name),
            Who::Outside(outside) => &*outside.name,
        })),
        text(services.iter().map(|service| service.as_ref().map_or("", |service| &*service.name))),
        text(services.iter().map(|service| service.as_ref().map_or("", |service| origin(service.origin)))),
        Column::Long(known.iter().map(|known| time(known.first)).collect()),
        Column::Long(known.iter().map(|known| time(known.last)).collect()),
    ]
}

fn origin(origin: ServiceOrigin) -> &'static str {
    match origin {
        ServiceOrigin::Kubernetes => "kubernetes",
        ServiceOrigin::Address => "address",
        ServiceOrigin::ServiceName => "service_name",
    }
}

fn edge_columns(table: &Table) -> Vec<Column> {
    let edges = &table.edges;
    let id = |id: EntityId| id.0.cast_signed();
    vec![
        numbers(edges.len()),
        Column::Int(edges.iter().map(|edge| edge.source.map_or(NONE, id)).collect()),
        Column::Int(edges.iter().map(|edge| id(edge.target)).collect()),
        Column::Long(edges.iter().map(|edge| time(edge.seen.first)).collect()),
        Column::Long(edges.iter().map(|edge| time(edge.seen.last)).collect()),
        Column::Long(edges.iter().map(|edge| edge.seen.days.cast_signed()).collect()),
    ]
}

fn fact_columns(table: &Table) -> Vec<Column> {
    let facts = &table.facts;
    let protocols: Vec<Protocol> = facts.iter().map(|fact| table.protocol(fact)).collect();
    vec![
        numbers(facts.len()),
        Column::Int(facts.iter().map(|fact| fact.edge.cast_signed()).collect()),
        text(facts.iter().map(|fact| fact.lane.as_str())),
        text(protocols.iter().map(|protocol| &*protocol.0)),
        Column::Int(facts.iter().map(|fact| fact.port.map_or(NONE, i32::from)).collect()),
        text(facts.iter().map(|fact| transport(fact.transport))),
    ]
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Unspecified => "unspecified",
    }
}

/// What a dictionary tells.
pub(crate) struct Dictionary {
    pub(crate) entities: Vec<Known>,
    pub(crate) edges: Vec<Edge>,
    /// Facts with their protocol.
    pub(crate) facts: Vec<(Fact, Protocol)>,
}

/// Reads the three files: entities, edges, facts.
pub(crate) fn decode([entities, edges, facts]: [&Path; 3]) -> Result<Dictionary, String> {
    Ok(Dictionary { entities: read_entities(entities)?, edges: read_edges(edges)?, facts: read_facts(facts)? })
}

/// The columns of a file whose rows are numbered from 0.
fn read(path: &Path, names: &[&str]) -> Result<std::vec::IntoIter<Column>, String> {
    let tell = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(|error| tell(&error))?;
    let reader = Reader::open(file).map_err(|error| tell(&error))?;
    if reader.groups() == 0 {
        return Err(tell(&"it has no rows"));
    }
    Ok(reader.read(0, names).map_err(|error| tell(&error))?.into_iter())
}

fn names(columns: &mut std::vec::IntoIter<Column>) -> Result<Vec<Name>, String> {
    let bytes = columns.next().and_then(Column::bytes).ok_or("a column has another type")?;
    let name = |bytes: ByteArray| std::str::from_utf8(bytes.data()).map(Name::from).map_err(|error| error.to_string());
    bytes.into_iter().map(name).collect()
}

fn ints(columns: &mut std::vec::IntoIter<Column>) -> Result<Vec<i32>, String> {
    columns.next().and_then(Column::ints).ok_or_else(|| "a column has another type".to_owned())
}

fn longs(columns: &mut std::vec::IntoIter<Column>) -> Result<Vec<i64>, String> {
    columns.next().and_then(Column::longs).ok_or_else(|| "a column has another type".to_owned())
}

fn read_entities(path: &Path) -> Result<Vec<Known>, String> {
    let wanted = ["cluster", "namespace", "kind", "name", "service", "service_origin", "first_seen", "last_seen"];
    let mut columns = read(path, &wanted)?;
    let [clusters, namespaces, kinds, called, services, origins]: [Vec<Name>; 6] = [
        names(&mut columns)?,
        names(&mut columns)?,
        names(&mut columns)?,
        names(&mut columns)?,
        names(&mut columns)?,
        names(&mut columns)?,
    ];
    // An identical name is one allocation.
    let mut shared: std::collections::HashSet<Name> = std::collections::HashSet::new();
    let mut share = |name: Name| match shared.get(&name) {
        Some(held) => Arc::clone(held),
        None => {
            shared.insert(Arc::clone(&name));
            name
        }
    };
    let seen = longs(&mut columns)?.into_iter().zip(longs(&mut columns)?);
    let identity = clusters.into_iter().zip(namespaces).zip(kinds.into_iter().zip(called));
    let service = services.into_iter().zip(origins);
    let mut known = Vec::new();
    for ((((cluster, namespace), (kind, name)), (service, origin)), (first, last)) in identity.zip(service).zip(seen) {
        let kind: Option<Kind> =
            if kind.is_empty() { None } else { Some(kind.parse::<Kind>().map_err(|error| error.to_string())?) };
        let cluster = share(cluster);
        let who = match kind {
            Some(Kind::Outside(kind)) => Who::Outside(Outside { cluster, kind, name }),
            kind => Who::Inside(Inside {
                cluster,
                namespace: share(namespace),
                workload: kind.map(|kind| Workload { kind, name }),
                service: (!origin.is_empty()).then(|| Service { name: service, origin: origin_of(&origin) }),
            }),
        };
        known.push(Known { who, first: step(first), last: step(last) });
    }
    Ok(known)
}

fn origin_of(text: &str) -> ServiceOrigin {
    let all = [ServiceOrigin::Kubernetes, ServiceOrigin::Address, ServiceOrigin::ServiceName];
    all.into_iter().find(|kind| origin(*kind) == text).unwrap_or(ServiceOrigin::ServiceName)
}

fn read_edges(path: &Path) -> Result<Vec<Edge>, String> {
    let mut columns = read(path, &["source", "target", "first_seen", "last_seen", "days"])?;
    let ends = ints(&mut columns)?.into_iter().zip(ints(&mut columns)?);
    let seen = longs(&mut columns)?.into_iter().zip(longs(&mut columns)?).zip(longs(&mut columns)?);
    let edges = ends.zip(seen).map(|((source, target), ((first, last), days))| Edge {
        source: (source != NONE).then_some(EntityId(source.cast_unsigned())),
        target: EntityId(target.cast_unsigned()),
        facts: 0,
        seen: Seen { first: step(first), last: step(last), days: days.cast_unsigned() },
    });
    Ok(edges.collect())
}

fn read_facts(path: &Path) -> Result<Vec<(Fact, Protocol)>, String> {
    let mut columns = read(path, &["edge", "port", "lane", "protocol", "transport"])?;
    let numbers = ints(&mut columns)?.into_iter().zip(ints(&mut columns)?);
    let words = names(&mut columns)?.into_iter().zip(names(&mut columns)?).zip(names(&mut columns)?);
    let mut facts = Vec::new();
    for ((edge, port), ((lane, protocol), transport_name)) in numbers.zip(words) {
        let lane = Lane::ALL.into_iter().find(|known| known.as_str() == &*lane);
        let lane = lane.ok_or("no lane has this name")?;
        let all = [Transport::Tcp, Transport::Udp, Transport::Unspecified];
        let transport = all.into_iter().find(|kind| transport(*kind) == &*transport_name).unwrap_or_default();
        // The protocol's place is given when the fact finds its table.
        let fact = Fact { edge: edge.cast_unsigned(), lane, protocol: 0, port: u16::try_from(port).ok(), transport };
        facts.push((fact, Protocol(protocol)));
    }
    Ok(facts)
}
