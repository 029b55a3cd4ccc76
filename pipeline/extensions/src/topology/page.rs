//! The page: files that travel inside the binary, packed.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use transport::{Codec, Payload, decompress};
use ui::Asset;

use super::answer::{guarded, takes_gzip};

/// Far beyond the largest file of the page.
const LONGEST: usize = 16 << 20;

/// The file at a path, if there is one.
pub fn answer(path: &str, request: &HeaderMap) -> Option<Response<Payload>> {
    let asset = ui::asset(path)?;
    let known = request.get(IF_NONE_MATCH).and_then(|marks| marks.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|mark| mark.trim().trim_start_matches("W/") == asset.etag);
    let (body, encoding) = if is_known { (Bytes::new(), None) } else { body(&asset, request)? };
    let mut response = Response::new(Payload::from(body));
    *response.status_mut() = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let kept = if Asset::is_immutable(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.extend(encoding.map(|encoding| (CONTENT_ENCODING, HeaderValue::from_static(encoding))));
    guarded(headers);
    Some(response)
}

/// As it lies in the binary, or unpacked for the rare client that does not take it so.
fn body(asset: &Asset, request: &HeaderMap) -> Option<(Bytes, Option<&'static str>)> {
    let packed = Bytes::from_static(asset.bytes);
    match asset.encoding {
        Some("gzip") if !takes_gzip(request) => {
            Some((decompress(Codec::Gzip, packed, LONGEST, &mut |_| true).ok()?, None))
        }
        encoding => Some((packed, encoding)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_served_whether_it_was_built_or_not() {
        let response = answer("/", &HeaderMap::new()).unwrap();

        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key(CONTENT_ENCODING), "this client takes no gzip");
        assert!(response.headers().contains_key(http::header::CONTENT_SECURITY_POLICY));
    }

    #[test]
    fn a_browser_that_has_the_page_does_not_get_it_again() {
        let etag = answer("/", &HeaderMap::new()).unwrap().headers().get(ETAG).cloned().unwrap();

        let again = answer("/", &HeaderMap::from_iter([(IF_NONE_MATCH, etag)])).unwrap();

        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn other_files_of_this_machine_are_not_served() {
        assert!(answer("/../../etc/passwd", &HeaderMap::new()).is_none());
    }
}
