//! The web page of the map, as files that travel inside the binary.
//!
//! In this room: what `make ui` built into `ui/dist`, gzipped, found by path.
//! Not here: HTTP (`extensions::topology`), the page itself (`ui/src`).
//!
//! Enter at [`asset`].
#![forbid(unsafe_code)]

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its content, encoded as `encoding` says.
    pub bytes: &'static [u8],
    /// Its media type.
    pub content_type: &'static str,
    /// How `bytes` are encoded, as `Content-Encoding` names it; `None` for not at all.
    pub encoding: Option<&'static str>,
    /// Names the content, in quotes as HTTP wants it.
    pub etag: &'static str,
}

impl Asset {
    /// True if the path names the content, so that it may be kept for ever: Vite puts a hash into such names.
    pub fn is_immutable(path: &str) -> bool {
        path.trim_start_matches('/').starts_with("assets/")
    }
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What stands in the place of a page that nobody built.
const UNBUILT: Asset = Asset {
    bytes: b"The page is not in this binary: run `make ui`, then build again. The API answers at /api/v1/graph.\n",
    content_type: "text/plain; charset=utf-8",
    encoding: None,
    etag: "\"unbuilt\"",
};

/// The file at a path of a URL; `/` is the page.
pub fn asset(path: &str) -> Option<Asset> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let found = ASSETS.iter().find(|(known, _)| *known == name).map(|(_, asset)| *asset);
    found.or_else(|| (name == "index.html").then_some(UNBUILT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_page_or_a_sentence_that_says_how_to_build_it() {
        let page = asset("/").unwrap();

        let is_page = page.content_type.starts_with("text/html") && page.encoding == Some("gzip");
        let says_how = page.bytes.windows(7).any(|part| part == b"make ui");
        assert!(is_page || says_how);
        assert_eq!(asset("/index.html"), Some(page));
    }

    #[test]
    fn nothing_else_is_served() {
        assert_eq!(asset("/../Cargo.toml"), None);
        assert_eq!(asset("/assets/"), None);
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(Asset::is_immutable("/assets/index-abc.js"));
        assert!(!Asset::is_immutable("/"));
    }
}
