//! All models that are checked.

use super::subject::Subject;
use super::{detector, ladder, tcp};

/// Every subject, from the bottom of the ladder up.
pub fn subjects() -> Vec<Subject> {
    let links = ladder::catalogue::subjects();
    let detectors = detector::catalogue::subjects();
    let hosts = tcp::catalogue().into_iter().map(Subject::of_tcp);
    links.into_iter().chain(detectors).chain(hosts).collect()
}
