//! The document of the API: paths from the table of routes, schemas from `schemas.json`.

use serde_json::{Map, Value, json};

use super::{ROUTES, Route, STREAM, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// What answers look like. Checked against real answers in `tests/map_api.rs`.
const SCHEMAS: &str = include_str!("../schemas.json");

/// The document.
pub fn answer(_asked: &Asked, _map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    Answer::json(&document()?)
}

fn document() -> Result<Value, Fault> {
    let schemas: Value = serde_json::from_str(SCHEMAS).map_err(|error| Fault {
        status: 500,
        error: format!("schemas.json: {error}"),
        help: None,
    })?;
    let mut paths: Map<String, Value> = ROUTES.iter().map(|route| (route.path.to_owned(), path(route))).collect();
    paths.insert(STREAM.to_owned(), stream());
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidewatch map",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What calls what, what is abnormal in it, and the traffic that nobody expected. \
                            Numbers are numbers; what is not known is null or absent. Times are RFC 3339 in answers.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }))
}

fn path(route: &'static Route) -> Value {
    let mut methods = Map::new();
    methods.insert("get".to_owned(), operation(route, false));
    if route.takes_body {
        methods.insert("post".to_owned(), operation(route, true));
    }
    Value::Object(methods)
}

fn operation(route: &'static Route, has_body: bool) -> Value {
    let in_query = route.all_parameters().map(|parameter| {
        json!({"name": parameter.name, "in": "query", "description": parameter.meaning, "schema": {"type": "string"}})
    });
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let mut operation = json!({
        "summary": route.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": {"description": "The answer.", "content": content(route)},
            "304": {"description": "The client has it already: its If-None-Match names it."},
            "400": fault("The question is wrong; the body says what."),
            "404": fault("What is asked for is not there."),
            "503": fault("Too many questions wait; Retry-After says when to ask again."),
        },
    });
    if let (true, Some(operation)) = (has_body, operation.as_object_mut()) {
        let text = json!({"schema": {"type": "string"}});
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            responses.insert("413".to_owned(), fault("The body is too long."));
        }
        operation.insert("requestBody".to_owned(), json!({"required": true, "content": {"application/yaml": text}}));
    }
    operation
}

fn content(route: &Route) -> Value {
    json!({"application/json": {"schema": reference(route.schema)}})
}

fn fault(description: &str) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": reference("Fault")}}})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn stream() -> Value {
    json!({"get": {
        "summary": "Server-sent events: `tick` with `{\"revision\": n}` whenever the map has changed.",
        "responses": {
            "200": {"description": "Open until either side closes it.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            "503": fault("Too many pages follow the map."),
        },
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_schema_and_every_reference_leads_somewhere() {
        let document = document().unwrap();
        let text = document.to_string();

        let references: Vec<&str> =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(references.len() > ROUTES.len());
        for name in references {
            assert!(document["components"]["schemas"].get(name).is_some(), "no schema is called {name}");
        }
    }

    #[test]
    fn parameters_are_told_once() {
        for route in ROUTES {
            let mut names = route.parameter_names();
            names.sort_unstable();
            let told = names.len();
            names.dedup();
            assert_eq!(told, names.len(), "{}", route.path);
        }
    }
}
