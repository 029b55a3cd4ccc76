//! The nesting that all three writers share: resources hold scopes, scopes hold items.

use bytes::Bytes;

use super::attributes::AttributesWriter;
use crate::batch::{Batch, Signal};
use crate::view::layout;
use crate::wire::{Open, close, open, put_bytes_field};

/// Room for the length of a resource or scope: most have more than 16 KiB and less than 2 MiB, or are small and moved
/// quickly.
const WIDE: usize = 3;

/// A request that is being written.
#[derive(Debug)]
pub(super) struct Nest {
    pub(super) out: Vec<u8>,
    /// What the last batch took: the next is made as much room for at once.
    usual_size: usize,
    signal: Signal,
    items: usize,
    resource: Option<Open>,
    scope: Option<Open>,
}

impl Nest {
    pub(super) fn new(signal: Signal) -> Self {
        Self { out: Vec::new(), usual_size: 0, signal, items: 0, resource: None, scope: None }
    }

    pub(super) fn resource(&mut self, attributes: impl FnOnce(&mut AttributesWriter<'_>)) {
        self.end_resource();
        if self.out.capacity() == 0 {
            self.out.reserve(self.usual_size);
        }
        self.resource = Some(open(&mut self.out, layout::RESOURCES, WIDE));
        let resource = open(&mut self.out, layout::RESOURCE, 2);
        attributes(&mut AttributesWriter { out: &mut self.out, number: layout::RESOURCE_ATTRIBUTES });
        close(&mut self.out, resource);
    }

    pub(super) fn scope(&mut self, name: &str, version: &str) {
        if self.resource.is_none() {
            self.resource(|_| {});
        }
        self.end_scope();
        self.scope = Some(open(&mut self.out, layout::SCOPES, WIDE));
        let scope = open(&mut self.out, layout::SCOPE, 1);
        put_text(&mut self.out, 1, name);
        put_text(&mut self.out, 2, version);
        close(&mut self.out, scope);
    }

    /// Begins a span, metric or log record.
    pub(super) fn item(&mut self) -> Open {
        if self.scope.is_none() {
            self.scope("", "");
        }
        open(&mut self.out, layout::ITEMS, 2)
    }

    pub(super) fn end_item(&mut self, item: Open, weight: usize) {
        close(&mut self.out, item);
        self.items += weight;
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// The batch; the writer is as new, but makes as much room for the next one at once as this one took.
    pub(super) fn finish(&mut self) -> Batch {
        self.end_resource();
        self.usual_size = self.out.len();
        let items = std::mem::take(&mut self.items);
        Batch::trusted(self.signal, Bytes::from(std::mem::take(&mut self.out)), items)
    }

    fn end_scope(&mut self) {
        if let Some(scope) = self.scope.take() {
            close(&mut self.out, scope);
        }
    }

    fn end_resource(&mut self) {
        self.end_scope();
        if let Some(resource) = self.resource.take() {
            close(&mut self.out, resource);
        }
    }
}

/// A string field; the empty string is the absent one.
pub(super) fn put_text(out: &mut Vec<u8>, number: u32, text: &str) {
    put_present(out, number, text.as_bytes());
}

/// A bytes field; no bytes are the absent ones.
pub(super) fn put_present(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_bytes_field(out, number, bytes);
    }
}

/// Declares what the writers of all signals can do.
macro_rules! writer {
    ($(#[$doc:meta])* $Writer:ident, $signal:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $Writer {
            nest: Nest,
        }

        impl Default for $Writer {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $Writer {
            /// A writer with nothing written.
            pub fn new() -> Self {
                Self { nest: Nest::new($signal) }
            }

            /// Begins a resource; what follows belongs to it.
            pub fn resource(&mut self, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
                self.nest.resource(attributes);
                self
            }

            /// Begins a scope of the resource; what follows belongs to it.
            pub fn scope(&mut self, name: &str, version: &str) -> &mut Self {
                self.nest.scope(name, version);
                self
            }

            /// Items written so far.
            pub fn items(&self) -> usize {
                self.nest.items()
            }

            /// Bytes written so far.
            pub fn size(&self) -> usize {
                self.nest.out.len()
            }

            /// The batch of what was written. The writer begins anew; use it again for what is like it, since it makes as
            /// much room at once as the last batch took.
            pub fn finish(&mut self) -> Batch {
                self.nest.finish()
            }
        }
    };
}
pub(super) use writer;
