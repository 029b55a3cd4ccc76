//! The implementations, written out.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, Result, Type};

use crate::attributes::{Container, Item, doc};

pub(crate) fn config(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    match &input.data {
        Data::Struct(data) => section(&input.ident, &container, data),
        Data::Enum(data) => choice(&input.ident, &container, data),
        Data::Union(_) => Err(syn::Error::new_spanned(input, "a union cannot be configured")),
    }
}

/// A field with all that is said about it.
struct Key<'a> {
    ident: &'a Ident,
    field_type: &'a Type,
    name: String,
    doc: String,
    item: Item,
}

impl<'a> Key<'a> {
    fn read(field: &'a Field) -> Result<Self> {
        let item = Item::read(&field.attrs)?;
        let ident = field.ident.as_ref().ok_or_else(|| syn::Error::new_spanned(field, "a key needs a name"))?;
        let written = ident.to_string();
        let name = item.rename.as_ref().map_or(written.trim_start_matches("r#").to_owned(), syn::LitStr::value);
        let doc = doc(&field.attrs);
        if doc.is_empty() && item.flatten.is_none() {
            return Err(syn::Error::new_spanned(ident, "a key needs a doc comment: it is its documentation"));
        }
        Ok(Self { ident, field_type: &field.ty, name, doc, item })
    }

    fn default(&self) -> TokenStream {
        let ident = self.ident;
        match &self.item.default {
            Some(text @ Expr::Lit(ExprLit { lit: Lit::Str(_), .. })) => {
                quote!(#ident: ::core::convert::Into::into(#text))
            }
            Some(expression) => quote!(#ident: #expression),
            None => quote!(#ident: ::core::default::Default::default()),
        }
    }

    fn read_over(&self) -> TokenStream {
        let (ident, name) = (self.ident, &self.name);
        if self.item.flatten.is_some() {
            return quote!(let #ident = ::config::Section::decode_fields(self.#ident, fields, context););
        }
        match (&self.item.alias, &self.item.deprecated) {
            (Some(alias), advice) => {
                let advice = advice.as_ref().map_or_else(|| format!("use `{name}` instead"), syn::LitStr::value);
                quote!(let #ident = fields.read_renamed(self.#ident, #name, #alias, #advice, context);)
            }
            (None, Some(advice)) => quote! {
                fields.deprecated(#name, #advice, context);
                let #ident = fields.read(self.#ident, #name, context);
            },
            (None, None) => quote!(let #ident = fields.read(self.#ident, #name, context);),
        }
    }

    fn docs(&self) -> TokenStream {
        let (ident, name, doc, field_type) = (self.ident, &self.name, &self.doc, self.field_type);
        if self.item.flatten.is_some() {
            return quote!(keys.extend(::config::Section::key_docs(&self.#ident)););
        }
        let alias = optional(self.item.alias.as_ref());
        let deprecated = optional(self.item.deprecated.as_ref());
        quote! {
            keys.push(::config::KeyDoc {
                name: #name,
                alias: #alias,
                type_name: <#field_type as ::config::Decode>::type_doc(),
                default: ::config::Decode::show(&self.#ident),
                doc: #doc,
                deprecated: #deprecated,
                secret: <#field_type as ::config::Decode>::SECRET,
                children: ::config::Decode::child_docs(&self.#ident),
            });
        }
    }

    fn rules(&self) -> TokenStream {
        let (ident, name) = (self.ident, &self.name);
        let run = quote!(::config::Decode::validate_inside(&self.#ident, node, check));
        match &self.item.flatten {
            Some(flatten) => match &flatten.under {
                Some(under) => quote!(check.under(#under, |check| #run);),
                None => quote!(#run;),
            },
            None => match &self.item.alias {
                Some(alias) => quote! {
                    let written = if check.is_set(#alias) { #alias } else { #name };
                    check.inside(written, |node, check| #run);
                },
                None => quote!(check.inside(#name, |node, check| #run);),
            },
        }
    }
}

fn optional(text: Option<&syn::LitStr>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

fn section(name: &Ident, container: &Container, data: &DataStruct) -> Result<TokenStream> {
    let fields = match &data.fields {
        Fields::Named(fields) => fields.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => return Err(syn::Error::new_spanned(fields, "a section needs named keys")),
    };
    let keys = fields.into_iter().map(Key::read).collect::<Result<Vec<_>>>()?;
    let idents: Vec<_> = keys.iter().map(|key| key.ident).collect();
    let defaults = keys.iter().map(Key::default);
    let reads = keys.iter().map(Key::read_over);
    let docs = keys.iter().map(Key::docs);
    let rules = keys.iter().map(Key::rules);
    let unsupported = &container.unsupported;
    let no_rules = container.no_rules.then(|| {
        quote! {
            impl ::config::Validate for #name {
                fn validate(&self, _check: &mut ::config::Check<'_, '_>) {}
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#defaults),* }
            }
        }

        #[automatically_derived]
        impl ::config::Section for #name {
            #[allow(unused_variables)]
            fn decode_fields(
                self,
                fields: &mut ::config::Fields<'_>,
                context: &mut ::config::DecodeContext<'_>,
            ) -> ::core::option::Option<Self> {
                #(#reads)*
                fields.unsupported(&[#(#unsupported),*], context);
                ::core::option::Option::Some(Self { #(#idents: #idents?),* })
            }

            fn key_docs(&self) -> ::std::vec::Vec<::config::KeyDoc> {
                #[allow(unused_mut)]
                let mut keys = ::std::vec::Vec::new();
                #(#docs)*
                keys
            }

            #[allow(unused_variables)]
            fn validate_fields(
                &self,
                node: ::core::option::Option<&::config::Node>,
                check: &mut ::config::Check<'_, '_>,
            ) {
                #(#rules)*
            }
        }

        #[automatically_derived]
        impl ::config::Decode for #name {
            const TYPE_NAME: &'static str = "section";

            fn decode(
                node: &::config::Node,
                context: &mut ::config::DecodeContext<'_>,
            ) -> ::core::option::Option<Self> {
                ::config::decode_section(<Self as ::core::default::Default>::default(), node, context)
            }

            fn decode_over(
                self,
                node: &::config::Node,
                context: &mut ::config::DecodeContext<'_>,
            ) -> ::core::option::Option<Self> {
                ::config::decode_section(self, node, context)
            }

            fn child_docs(&self) -> ::std::vec::Vec<::config::KeyDoc> {
                ::config::Section::key_docs(self)
            }

            fn type_docs() -> ::std::vec::Vec<::config::KeyDoc> {
                <Self as ::config::Section>::keys()
            }

            fn from_null(_node: &::config::Node) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(::core::default::Default::default())
            }

            fn validate_inside(
                &self,
                node: ::core::option::Option<&::config::Node>,
                check: &mut ::config::Check<'_, '_>,
            ) {
                ::config::Validate::validate(self, check);
                ::config::Section::validate_fields(self, node, check);
            }
        }

        #no_rules
    })
}

fn choice(name: &Ident, container: &Container, data: &DataEnum) -> Result<TokenStream> {
    let mut values = Vec::new();
    let mut reads = Vec::new();
    let mut shows = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(syn::Error::new_spanned(variant, "a value cannot carry fields"));
        }
        let item = Item::read(&variant.attrs)?;
        let ident = &variant.ident;
        let value = item.rename.as_ref().map_or_else(|| snake_case(&ident.to_string()), syn::LitStr::value);
        let alias = item.alias.as_ref();
        reads.extend(alias.map(|alias| quote!((#alias, Self::#ident))));
        reads.push(quote!((#value, Self::#ident)));
        shows.push(quote!(Self::#ident => #value));
        values.push(value);
    }
    let type_name = values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let unknown = optional(container.unknown.as_ref());
    let ignore_case = container.ignore_case;
    Ok(quote! {
        #[automatically_derived]
        impl #name {
            /// The value as it is written in a configuration.
            pub fn as_str(&self) -> &'static str {
                match self { #(#shows),* }
            }
        }

        #[automatically_derived]
        impl ::config::Decode for #name {
            const TYPE_NAME: &'static str = #type_name;

            fn decode(
                node: &::config::Node,
                context: &mut ::config::DecodeContext<'_>,
            ) -> ::core::option::Option<Self> {
                ::config::decode_choice([#(#reads),*], &[#(#values),*], #unknown, #ignore_case, node, context)
            }

            fn show(&self) -> ::std::string::String {
                ::std::string::ToString::to_string(self.as_str())
            }
        }
    })
}

fn snake_case(variant: &str) -> String {
    let mut name = String::new();
    for (index, c) in variant.char_indices() {
        if c.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}
