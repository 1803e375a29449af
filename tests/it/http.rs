//! A few lines of HTTP/1.1 over a socket, for talking to a server under test as kube-scheduler does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Posts `body` and returns status and body of the answer.
pub(crate) fn post(to: SocketAddr, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = connect(to);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .expect("the server reads the head");
    // A server that refuses a large body may answer before it has read it.
    let _ = stream.write_all(body);
    answer(stream)
}

/// Gets `path` and returns status and body of the answer.
pub(crate) fn get(from: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = connect(from);
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream
        .write_all(head.as_bytes())
        .expect("the server reads the head");
    answer(stream)
}

/// A connection that gives up after half a minute.
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the server listens");
    let time = Some(Duration::from_secs(30));
    stream
        .set_read_timeout(time)
        .expect("a time-out can be set");
    stream
        .set_write_timeout(time)
        .expect("a time-out can be set");
    stream
}

/// Reads an answer to its end.
pub(crate) fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // A reset after the answer is no matter: what was read counts.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = if chunked {
        dechunk(body)
    } else {
        body.to_owned()
    };
    (status, body)
}

fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}
