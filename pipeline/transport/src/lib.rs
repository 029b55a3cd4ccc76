//! How bytes come in and go out.
//!
//! In this room: gRPC and HTTP servers and clients, compression, the sending queue with retries, and the configuration
//! blocks that components share.
//! Not here: what the bytes mean (`pdata`), which component uses what (`receivers`, `exporters`).
//!
//! Enter at [`GrpcServer`] and [`HttpServer`] for what comes in, at [`Sending`] for what goes out.

mod admission;
mod body;
mod compression;
mod delivery;
mod grpc;
mod http;
mod intake;
mod listen;
mod local;
mod partial;
mod sending;
mod serve;
pub mod settings;
mod status;
#[cfg(test)]
mod testing;
mod wire;

pub use crate::http::{
    HttpClient, HttpClientOptions, HttpResponse, HttpServer, HttpServerOptions, OtlpPaths, Target, TargetError,
    export_over_http, read_body, serve_http,
};
pub use admission::{Admission, Admitted};
pub use body::Payload;
pub use compression::{Codec, CompressError, Compression, DecompressError, compress, decompress};
pub use delivery::DeliveryError;
pub use grpc::{GrpcClient, GrpcClientOptions, GrpcServer, GrpcServerOptions, Pings};
pub use intake::{Encoding, Export, Intake, Rejection};
pub use listen::{ListenError, Sharing, listen};
pub use partial::PartialSuccess;
pub use sending::{Delivery, Sending};
pub use serve::Serving;
pub use status::{Code, Status};
