//! What stands in `#[config(...)]` and in doc comments.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Result, Token, parenthesized, punctuated::Punctuated};

/// Attributes of a struct or enum.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) no_rules: bool,
    pub(crate) unsupported: Vec<LitStr>,
    pub(crate) unknown: Option<LitStr>,
    pub(crate) ignore_case: bool,
}

/// Attributes of a field or variant.
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) default: Option<Expr>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) alias: Option<LitStr>,
    pub(crate) deprecated: Option<LitStr>,
    pub(crate) flatten: Option<Flatten>,
}

/// A shared block whose keys stand among those of its parent.
#[derive(Default)]
pub(crate) struct Flatten {
    /// The name under which its rules report.
    pub(crate) under: Option<LitStr>,
}

impl Container {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("no_rules") {
                container.no_rules = true;
            } else if meta.path.is_ident("ignore_case") {
                container.ignore_case = true;
            } else if meta.path.is_ident("unknown") {
                container.unknown = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("unsupported") {
                let names;
                parenthesized!(names in meta.input);
                container.unsupported.extend(Punctuated::<LitStr, Token![,]>::parse_terminated(&names)?);
            } else {
                return Err(meta.error("expected `no_rules`, `unsupported(...)`, `unknown = ...` or `ignore_case`"));
            }
            Ok(())
        })?;
        Ok(container)
    }
}

impl Item {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut item = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("default") {
                item.default = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("rename") {
                item.rename = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("alias") {
                item.alias = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("deprecated") {
                item.deprecated = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("flatten") {
                let under = if meta.input.peek(Token![=]) { Some(meta.value()?.parse()?) } else { None };
                item.flatten = Some(Flatten { under });
            } else {
                return Err(meta.error("expected `default`, `rename`, `alias`, `deprecated` or `flatten`"));
            }
            Ok(())
        })?;
        Ok(item)
    }
}

fn each(attributes: &[Attribute], mut read: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("config"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut read))
}

/// The doc comment as one line.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}
