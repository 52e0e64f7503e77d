//! Counts requests by door, method and status.
//!
//! Invariant: a counter is looked up by its labels once and kept, and there are no more of them than there are
//! routes, known methods and statuses, whatever is sent.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

/// The counters that have been needed so far.
#[derive(Default)]
pub(super) struct Tallies {
    routes: RwLock<HashMap<String, Route>>,
}

impl std::fmt::Debug for Tallies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tallies").finish_non_exhaustive()
    }
}

struct Route {
    took: Histogram,
    answers: HashMap<(&'static str, StatusCode), Counter>,
}

impl Tallies {
    /// Counts a request that was answered.
    pub(super) fn count(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let method = name(method);
        let known = {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            routes.get(path).is_some_and(|route| route.count(method, status, took))
        };
        if known {
            return;
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let route = routes.entry(path.to_owned()).or_insert_with(|| Route {
            took: metrics::histogram!("portvakt_http_request_duration_seconds", "route" => path.to_owned()),
            answers: HashMap::new(),
        });
        route.answers.entry((method, status)).or_insert_with(|| {
            let labels = [
                ("method", method.to_owned()),
                ("route", path.to_owned()),
                ("status", status.as_str().to_owned()),
            ];
            metrics::counter!("portvakt_http_requests_total", &labels)
        });
        route.count(method, status, took);
    }
}

impl Route {
    /// Counts, where the counter is known. Gives whether it is.
    fn count(&self, method: &'static str, status: StatusCode, took: Duration) -> bool {
        let Some(counter) = self.answers.get(&(method, status)) else { return false };
        counter.increment(1);
        self.took.record(took);
        true
    }
}

/// The name of a method that HTTP defines; a caller may invent any number of others.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status_and_strange_methods_as_one() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let tallies = Tallies::default();
            let strange = ["BREW", "MAKE"].map(|name| Method::from_bytes(name.as_bytes()).unwrap());
            for method in [&Method::GET, &Method::GET, &strange[0], &strange[1]] {
                tallies.count(method, "/Users/{id}", StatusCode::OK, Duration::from_millis(2));
            }
            tallies.count(&Method::GET, "/Users/{id}", StatusCode::NOT_FOUND, Duration::from_millis(2));
        });
        let text = page.render();
        for expected in [
            r#"portvakt_http_requests_total{method="GET",route="/Users/{id}",status="200"} 2"#,
            r#"portvakt_http_requests_total{method="GET",route="/Users/{id}",status="404"} 1"#,
            r#"portvakt_http_requests_total{method="other",route="/Users/{id}",status="200"} 2"#,
            r#"portvakt_http_request_duration_seconds_count{route="/Users/{id}"} 5"#,
        ] {
            assert!(text.contains(expected), "{expected} is not in:\n{text}");
        }
    }
}
