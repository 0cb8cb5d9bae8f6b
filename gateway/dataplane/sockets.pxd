cdef extern from * nogil:
    """
    #include <errno.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    /* How many bytes of both parts the kernel took; 0 when it takes none now, or the connection is broken. */
    static inline ssize_t gateway_send(int fd, const char *one, size_t one_size, const char *two, size_t two_size) {
        struct iovec parts[2] = {{(void *)one, one_size}, {(void *)two, two_size}};
        struct msghdr message = {0};
        ssize_t sent;
        if (two_size == 0) {
            sent = send(fd, one, one_size, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            message.msg_iov = parts;
            message.msg_iovlen = 2;
            sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        return sent < 0 ? 0 : sent;
    }
    /* The next close sends RST: the peer must not take what it has for the whole message (RFC 9112 9.8). */
    static inline void gateway_reset_on_close(int fd) {
        struct linger at_once = {1, 0};
        if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    /* Nothing to read and not closed, as far as the kernel knows by now. */
    static inline int gateway_is_quiet(int fd) {
        char byte;
        return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    static inline void gateway_probe_dead_peers(int fd) {
        int on = 1;
        if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    """
    Py_ssize_t send_now "gateway_send"(int fd, const char* one, size_t one_size, const char* two, size_t two_size)
    void reset_on_close "gateway_reset_on_close"(int fd)
    bint is_quiet "gateway_is_quiet"(int fd)
    void probe_dead_peers "gateway_probe_dead_peers"(int fd)
