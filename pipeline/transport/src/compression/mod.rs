//! Codecs of request bodies.
//!
//! In this room: what each codec is called on the wire, compressing segments, decompressing with a hard bound.
//! Not here: who chooses a codec (`settings`), where the bytes come from (`grpc`, `http`).
//!
//! Enter at [`Codec`], [`compress`] and [`decompress`].

mod deflating;
mod inflating;
#[cfg(test)]
mod tests;

pub use deflating::{CompressError, Compression, compress};
pub use inflating::{DecompressError, decompress};

/// A compression format. Plain bytes have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; HTTP calls it both `zlib` and `deflate`.
    Zlib,
    /// RFC 8878.
    Zstd,
    /// One snappy block.
    Snappy,
    /// The snappy framing format.
    SnappyFramed,
    /// The LZ4 frame format.
    Lz4,
}

impl Codec {
    /// By its name in `Content-Encoding`. `Ok(None)` means plain bytes; an unknown name comes back as the error.
    pub fn of_content_encoding(name: &str) -> Result<Option<Self>, &str> {
        match name {
            "" | "identity" | "none" => Ok(None),
            "gzip" => Ok(Some(Self::Gzip)),
            "zlib" | "deflate" => Ok(Some(Self::Zlib)),
            "zstd" => Ok(Some(Self::Zstd)),
            "snappy" => Ok(Some(Self::Snappy)),
            "x-snappy-framed" => Ok(Some(Self::SnappyFramed)),
            "lz4" => Ok(Some(Self::Lz4)),
            unknown => Err(unknown),
        }
    }

    /// By its name in `grpc-encoding`, where `snappy` means the framing format.
    pub fn of_grpc_encoding(name: &str) -> Result<Option<Self>, &str> {
        match name {
            "" | "identity" => Ok(None),
            "gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Zlib)),
            "zstd" => Ok(Some(Self::Zstd)),
            "snappy" => Ok(Some(Self::SnappyFramed)),
            unknown => Err(unknown),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
            Self::Snappy | Self::SnappyFramed => "snappy",
            Self::Lz4 => "lz4",
        }
    }
}
