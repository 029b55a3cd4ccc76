//! Everything this binary can be made of.

/// One list per kind of component.
pub static TABLES: engine::Tables = engine::Tables {
    receivers: receivers::FACTORIES,
    processors: processors::FACTORIES,
    exporters: exporters::FACTORIES,
    connectors: connectors::FACTORIES,
    extensions: extensions::FACTORIES,
};
