//! `#[derive(Config)]`: settings of components from their struct, with documentation from its comments.
//!
//! In this room: reading the attributes, writing the implementations.
//! Not here: what the implementations call (`config::decode`).
//!
//! Enter at [`derive_config`].

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a section of the configuration, or an enum of plain variants a value of it.
///
/// On a struct: `#[config(no_rules)]` when there is nothing to validate (otherwise implement `config::Validate`);
/// `#[config(unsupported("tls", "auth"))]` for keys that the Collector has and Tidewatch has not.
///
/// On a field: `default = expression` (a string literal becomes whatever the field is), `rename = "key"`,
/// `alias = "old_key"`, `deprecated = "what to use instead"`, `flatten` for the keys of a shared block,
/// `flatten = "clientconfig"` when its rules are reported under that name.
///
/// On an enum: `unknown = "invalid sizer: {:?}"` for values that are no variant, `ignore_case`; on a variant `rename`
/// and `alias`. Variants are written in `snake_case`.
#[proc_macro_derive(Config, attributes(config))]
pub fn derive_config(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::config(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
