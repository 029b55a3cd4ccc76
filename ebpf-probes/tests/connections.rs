//! Connections: who they are at both ends, how they begin, end and fail, and those that were there before us.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "system calls are made as programs make them; a surprise ends the test"
)]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Story, connect_to, connected, cookie, moved, receive, send};
use ebpf_probes::{ExistingSocket, Open, ProbeConfig, Role, TcpState};

fn exchange(client: &TcpStream, server: &TcpStream) {
    send(client, b"question", 0);
    receive(server, 20, 0);
    send(server, b"answer", 0);
    receive(client, 20, 0);
}

#[test]
fn both_ends_tell_the_same_identity_with_their_roles() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    story.until("both ends open", |seen| seen.open_of(&client).is_some() && seen.open_of(&server).is_some());

    let (near, far) = (story.seen.open_of(&client).unwrap(), story.seen.open_of(&server).unwrap());
    assert_eq!((near.role, far.role), (Some(Role::Client), Some(Role::Server)));
    assert_eq!(near.connection.identity.own_first, far.connection.identity.peer_first);
    assert_eq!(near.connection.identity.peer_first, far.connection.identity.own_first);
    assert_eq!(near.connection.identity.symmetric(), far.connection.identity.symmetric());
    assert_eq!(
        near.connection.identity.client_and_server(near.role),
        far.connection.identity.client_and_server(far.role)
    );
    assert_eq!(near.connection.local, client.local_addr().unwrap());
    assert_eq!(near.connection.peer, client.peer_addr().unwrap());
    assert_eq!(far.connection.local, near.connection.peer);
    assert_eq!(near.tgid.0, std::process::id());
    assert!(near.connect_nanoseconds.is_some_and(|nanoseconds| nanoseconds > 0));
}

#[test]
fn the_first_byte_lies_at_the_first_position() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    exchange(&client, &server);

    let question = &story.sends(&client, 1)[0].header;
    let answer = &story.sends(&server, 1)[0].header;
    assert_eq!(question.position, question.identity.own_first);
    assert_eq!(answer.position, question.identity.peer_first);
}

#[test]
fn version_six_and_mapped_addresses_are_told_as_they_are_meant() {
    let Some(mut story) = Story::begin() else { return };
    let six = TcpListener::bind("[::1]:0").unwrap();
    let both = TcpListener::bind("[::]:0").unwrap();
    let mapped: SocketAddr = format!("127.0.0.1:{}", both.local_addr().unwrap().port()).parse().unwrap();

    let (client_of_six, _server_of_six) = connect_to(&six);
    let client_of_both = TcpStream::connect(mapped).unwrap();
    let (server_of_both, _) = both.accept().unwrap();

    story.until("all open", |seen| seen.open_of(&client_of_six).is_some() && seen.open_of(&server_of_both).is_some());
    let open_of_six = story.seen.open_of(&client_of_six).unwrap();
    let open_of_both = story.seen.open_of(&server_of_both).unwrap();
    assert_eq!(open_of_six.connection.peer, six.local_addr().unwrap());
    assert_eq!(open_of_both.connection.local, mapped);
    assert_eq!(open_of_both.connection.peer, client_of_both.local_addr().unwrap());
}

#[test]
fn a_close_tells_the_sums_and_the_ends() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (cookie, local) = (cookie(&client), client.local_addr().unwrap());

    exchange(&client, &server);
    drop(server);
    assert_eq!(receive(&client, 1, 0), b"");
    drop(client);

    story.until("the close", |seen| seen.closes.iter().any(|close| close.cookie == cookie));
    let close = *story.seen.closes.iter().find(|close| close.cookie == cookie).unwrap();
    assert_eq!(close.connection.local, local);
    assert_eq!((close.statistics.bytes_sent, close.statistics.bytes_received), (8, 6));
    assert_eq!((close.turns, close.lost_before, close.error), (2, 0, 0));
    assert_eq!(close.role, Some(Role::Client));
}

#[test]
fn a_reset_is_told_as_the_error_of_the_close() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let cookie = cookie(&client);

    send(&client, b"never read", 0);
    drop(server); // Unread bytes: the kernel resets.

    story.until("the close", |seen| seen.closes.iter().any(|close| close.cookie == cookie));
    let close = story.seen.closes.iter().find(|close| close.cookie == cookie).unwrap();
    assert_eq!(i32::from(close.error), libc::ECONNRESET);
    assert!(story.seen.errors.iter().any(|error| error.cookie == cookie && i32::from(error.error) == libc::ECONNRESET));
}

#[test]
fn a_refused_connection_tells_where_to_and_why() {
    let Some(mut story) = Story::begin() else { return };
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let outcome = TcpStream::connect(unused);

    assert!(outcome.is_err());
    story.until("the failure", |seen| seen.failures.iter().any(|failure| failure.connection.peer == unused));
    let failure = story.seen.failures.iter().find(|failure| failure.connection.peer == unused).unwrap();
    assert_eq!(i32::from(failure.error), libc::ECONNREFUSED);
    assert_eq!(failure.tgid.0, std::process::id());
    assert!(failure.connect_nanoseconds > 0);
}

#[test]
fn a_handshake_without_answer_is_a_retransmission() {
    let Some(mut story) = Story::begin() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: a bound socket; listening again only changes the length of its queue.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let address = listener.local_addr().unwrap();
    let _fills_the_queue = TcpStream::connect(address).unwrap();

    // Nobody accepts: the listener drops this one's SYN, and the kernel sends it again.
    let unanswered = std::thread::spawn(move || TcpStream::connect_timeout(&address, Duration::from_secs(60)));
    story.until("a SYN sent again", |seen| seen.retransmits.iter().any(|again| again.state == TcpState::SYN_SENT));
    listener.accept().unwrap();
    let connected_at_last = unanswered.join().unwrap().unwrap();

    let cookie = cookie(&connected_at_last);
    story.until("the open", |seen| seen.open_of(&connected_at_last).is_some());
    assert!(story.seen.retransmits.iter().any(|again| again.cookie == cookie));
    let open = story.seen.open_of(&connected_at_last).unwrap();
    assert!(open.connect_nanoseconds.is_some_and(|nanoseconds| nanoseconds > 500_000_000));
}

#[test]
fn an_older_connection_has_the_same_identity_and_its_roles() {
    let (client, server) = connected();
    exchange(&client, &server);
    let Some(mut story) = Story::begin() else { return };

    let sockets = story.probes.existing_sockets().unwrap();
    exchange(&client, &server);

    let found = |stream: &TcpStream| -> ExistingSocket {
        let cookie = cookie(stream);
        *sockets.iter().find(|socket| socket.cookie == cookie).unwrap()
    };
    let question = story.sends(&client, 1)[0].header;
    let answer = story.sends(&server, 1)[0].header;
    assert_eq!(found(&client).connection.identity, question.identity);
    assert_eq!(found(&server).connection.identity, answer.identity);
    assert_eq!(question.identity.symmetric(), answer.identity.symmetric());
    assert_eq!(question.position, question.identity.own_first.plus(8));
    assert_eq!((found(&client).role, found(&server).role), (Some(Role::Client), Some(Role::Server)));
    assert_eq!((question.role, answer.role), (Some(Role::Client), Some(Role::Server)));
    assert!(found(&client).certain && found(&server).certain);
    let open = story.seen.open_of(&client).unwrap();
    assert_eq!((open.connect_nanoseconds, open.connection.local), (None, client.local_addr().unwrap()));
}

#[test]
fn an_older_half_closed_connection_is_not_shifted_by_its_fin() {
    let (client, server) = connected();
    exchange(&client, &server);
    let original = server.local_addr().unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    common::await_fin(&server);
    let Some(mut story) = Story::begin() else { return };

    send(&server, b"still talking", 0);
    receive(&client, 20, 0);

    let sent = story.sends(&server, 1)[0].header;
    let received = story.receives(&client, 1)[0].header;
    assert_eq!(sent.identity.own_first, received.identity.peer_first);
    assert_eq!(sent.identity.peer_first, received.identity.own_first);
    assert_eq!(sent.position, sent.identity.own_first.plus(6));
    assert_eq!(received.position, sent.position);
    assert_eq!((sent.role, received.role), (Some(Role::Server), Some(Role::Client)));
    assert_eq!(story.seen.open_of(&server).unwrap().connection.local, original);
}

#[test]
fn an_older_listener_hands_its_role_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(mut story) = Story::begin() else { return };

    let sockets = story.probes.existing_sockets().unwrap();
    let (_client, server) = connect_to(&listener);

    let cookie = cookie(&listener);
    let found = sockets.iter().find(|socket| socket.cookie == cookie).unwrap();
    assert_eq!((found.state, found.role), (TcpState::LISTEN, Some(Role::Listener)));
    story.until("the accepted socket", |seen| seen.open_of(&server).is_some());
    assert_eq!(story.seen.open_of(&server).unwrap().role, Some(Role::Server));
}

#[test]
fn a_socket_keeps_its_cookie_in_another_process() {
    let everybody = ProbeConfig { exclude_self: false, ..ProbeConfig::default() };
    let Some(mut story) = Story::begin_with(&everybody) else { return };
    let (client, server) = connected();

    send(&client, b"mine;", 0);
    // The child inherits the socket as its output and writes to it.
    let descriptor = std::os::fd::OwnedFd::from(client.try_clone().unwrap());
    let mut child = Command::new("/bin/echo").arg("theirs").stdout(Stdio::from(descriptor)).spawn().unwrap();
    child.wait().unwrap();
    assert_eq!(receive(&server, 12, libc::MSG_WAITALL), b"mine;theirs\n");

    let sent = story.sends(&client, 2);
    assert_eq!(sent[1].payload, b"theirs\n");
    assert_eq!(sent[1].header.position, sent[0].header.position.plus(5));
    assert_eq!((sent[0].header.tgid.0, sent[1].header.tgid.0), (std::process::id(), child.id()));
}

#[test]
fn a_socket_that_was_passed_keeps_its_cookie() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (here, there) = UnixStream::pair().unwrap();

    let passed = pass(&here, &there, &client);
    send(&passed, b"through another door", 0);
    receive(&server, 30, 0);

    assert_ne!(passed.as_raw_fd(), client.as_raw_fd());
    assert_eq!(story.sends(&client, 1)[0].payload, b"through another door");
}

/// Sends a descriptor with SCM_RIGHTS and receives it.
fn pass(here: &UnixStream, there: &UnixStream, stream: &TcpStream) -> TcpStream {
    use std::os::fd::FromRawFd;
    let mut byte = [1_u8];
    let mut control = [0_u64; 8];
    // SAFETY: one vector, one control message with room for one descriptor; all live until the calls return.
    unsafe {
        let mut vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(stream.as_raw_fd());
        moved(libc::sendmsg(here.as_raw_fd(), &raw const message, 0));
        moved(libc::recvmsg(there.as_raw_fd(), &raw mut message, 0));
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        TcpStream::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned())
    }
}

#[test]
fn sockets_of_other_network_namespaces_are_found_and_seen() {
    let Some(mut story) = Story::begin() else { return };

    // A thread may leave for a network namespace of its own; its sockets stay there.
    let (listener, mut client, mut server) = std::thread::spawn(|| {
        enter_new_network_namespace();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (client, server) = connect_to(&listener);
        (listener, client, server)
    })
    .join()
    .unwrap();
    client.write_all(b"elsewhere").unwrap();
    server.read_exact(&mut [0; 9]).unwrap();
    let here = connected();

    let sockets = story.probes.existing_sockets().unwrap();
    let namespace = |socket: &dyn Fn(&ExistingSocket) -> bool| {
        sockets.iter().find(|candidate| socket(candidate)).unwrap().connection.network_namespace
    };
    let (listening, serving, near) = (cookie(&listener), cookie(&server), cookie(&here.0));
    let elsewhere = namespace(&|socket| socket.cookie == listening);
    assert_eq!(namespace(&|socket| socket.cookie == serving), elsewhere);
    assert_ne!(namespace(&|socket| socket.cookie == near), elsewhere);
    assert_eq!(story.receives(&server, 1)[0].payload, b"elsewhere");
    assert_eq!(story.seen.open_of(&server).unwrap().connection.network_namespace, elsewhere);
}

/// With its loopback interface up.
fn enter_new_network_namespace() {
    // SAFETY: only this thread leaves; the request names an interface and its flags.
    unsafe {
        assert_eq!(libc::unshare(libc::CLONE_NEWNET), 0);
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        let mut request: libc::ifreq = std::mem::zeroed();
        for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
            *place = byte.cast_signed();
        }
        request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap();
        assert_eq!(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request), 0);
        libc::close(socket);
    }
}

#[test]
fn the_sweep_tells_each_connection_once() {
    let (client, server) = connected();
    let _second_holder = client.try_clone().unwrap();
    exchange(&client, &server);
    let Some(mut story) = Story::begin() else { return };

    let sums = story.probes.sweep().unwrap();

    let cookie = cookie(&client);
    let mine: Vec<_> = sums.iter().filter(|sums| sums.cookie == cookie).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!((mine[0].statistics.bytes_sent, mine[0].statistics.bytes_received), (8, 6));
    assert!(mine[0].statistics.smoothed_rtt_us > 0);
}

/// A socket of a protocol that the standard library does not know.
fn multipath_socket() -> std::os::fd::OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: a new descriptor without other owner.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP);
        assert!(socket >= 0, "{}", std::io::Error::last_os_error());
        std::os::fd::OwnedFd::from_raw_fd(socket)
    }
}

fn multipath_listener() -> TcpListener {
    let socket = multipath_socket();
    // SAFETY: all zeros are a valid address: any port of any address.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::sa_family_t::try_from(libc::AF_INET).unwrap();
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap();
        assert_eq!(libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length), 0);
        assert_eq!(libc::listen(socket.as_raw_fd(), 8), 0);
    }
    TcpListener::from(socket)
}

fn multipath_connect(port: u16) -> TcpStream {
    let socket = multipath_socket();
    // SAFETY: as above, with loopback and the port.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::sa_family_t::try_from(libc::AF_INET).unwrap();
        address.sin_port = port.to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap();
        assert_eq!(libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length), 0);
    }
    TcpStream::from(socket)
}

fn opens_with(story: &Story, port: u16) -> usize {
    let touches = |open: &&Open| open.connection.local.port() == port || open.connection.peer.port() == port;
    story.seen.opens.iter().filter(touches).count()
}

#[test]
fn a_multipath_listener_accepts_ordinary_connections_as_go_does() {
    let Some(mut story) = Story::begin() else { return };
    let listener = multipath_listener();
    let port = listener.local_addr().unwrap().port();

    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    exchange(&client, &server);

    let question = story.receives(&server, 1).remove(0);
    assert_eq!(question.payload, b"question");
    assert_eq!(question.header.identity.symmetric(), story.sends(&client, 1)[0].header.identity.symmetric());
    assert_eq!(question.header.role, Some(Role::Server));
    assert_eq!(story.seen.open_of(&server).unwrap().connection.local.port(), port);
    assert_eq!(opens_with(&story, port), 2);
}

#[test]
fn a_multipath_connection_has_the_same_numbers_at_both_ends() {
    let Some(mut story) = Story::begin() else { return };
    let listener = multipath_listener();

    let port = listener.local_addr().unwrap().port();
    let client = multipath_connect(port);
    let (server, _) = listener.accept().unwrap();
    exchange(&client, &server);
    exchange(&client, &server);

    let (asked, heard) = (story.sends(&client, 2), story.receives(&server, 2));
    let (answered, got) = (story.sends(&server, 2), story.receives(&client, 2));
    assert_eq!(heard[1].payload, b"question");
    assert_eq!(asked[0].header.identity.symmetric(), heard[0].header.identity.symmetric());
    for (near, far) in asked.iter().zip(&heard).chain(answered.iter().zip(&got)) {
        assert_eq!(near.header.position, far.header.position);
    }
    assert_eq!(asked[0].header.position, asked[0].header.identity.own_first);
    assert!(story.seen.open_of(&client).unwrap().connection.multipath);
    // The path below it is no connection of its own.
    assert_eq!(opens_with(&story, port), 2);
    let gone = cookie(&client);
    drop(client);
    drop(server);
    story.until("the close", |seen| seen.closes.iter().any(|close| close.cookie == gone));
    let close = story.seen.closes.iter().find(|close| close.cookie == gone).unwrap();
    assert_eq!((close.statistics.bytes_sent, close.statistics.bytes_received), (16, 12));
}
