//! Messages that all signals share: values, attributes, scopes, resources.

use super::{Kind, Message, always, attributes, choice, many, message, one};

pub(super) static ANY_VALUE: Message = message(&[
    choice(1, "string_value", "stringValue", Kind::String),
    choice(2, "bool_value", "boolValue", Kind::Bool),
    choice(3, "int_value", "intValue", Kind::Int64),
    choice(4, "double_value", "doubleValue", Kind::Double),
    choice(5, "array_value", "arrayValue", Kind::Message(&ARRAY_VALUE)),
    choice(6, "kvlist_value", "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
    choice(7, "bytes_value", "bytesValue", Kind::Bytes),
]);

static ARRAY_VALUE: Message = message(&[many(1, "values", "values", Kind::Message(&ANY_VALUE))]);

static KEY_VALUE_LIST: Message = message(&[attributes(1, "values", "values")]);

pub(super) static KEY_VALUE: Message =
    message(&[one(1, "key", "key", Kind::String), always(2, "value", "value", Kind::Message(&ANY_VALUE))]);

pub(super) static SCOPE: Message = message(&[
    one(1, "name", "name", Kind::String),
    one(2, "version", "version", Kind::String),
    attributes(3, "attributes", "attributes"),
    one(4, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
]);

pub(super) static RESOURCE: Message = message(&[
    attributes(1, "attributes", "attributes"),
    one(2, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
    many(3, "entity_refs", "entityRefs", Kind::Message(&ENTITY_REF)),
]);

static ENTITY_REF: Message = message(&[
    one(1, "schema_url", "schemaUrl", Kind::String),
    one(2, "type", "type", Kind::String),
    many(3, "id_keys", "idKeys", Kind::String),
    many(4, "description_keys", "descriptionKeys", Kind::String),
]);
