/*
 * System calls that fail as told. The functions of a program take the place of the C library's, also for the
 * libraries that it uses; these here do the system call, unless the test wants an error.
 *
 *     system_fails( AT_SENDTO, ENOBUFS, 1 );      every call
 *     system_fails( AT_SENDTO, ENOBUFS, 3 );      every third
 *     system_works();
 */
#ifndef NETCODE_C_TESTS_FAULTS_SYSTEM_H
#define NETCODE_C_TESTS_FAULTS_SYSTEM_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum
{
    AT_SOCKET4, AT_SOCKET6, AT_BIND, AT_GETSOCKNAME, AT_V6ONLY, AT_SEND_BUFFER, AT_RECEIVE_BUFFER,
    AT_SENDTO, AT_RECVFROM, AT_RECVMMSG, PLACES
};

static struct
{
    int error;      /* 0: works */
    int every;
    int calls;
    int failed;
} system_at[PLACES];

static int system_opened, system_closed;    /* sockets, and descriptors of all kinds */
static int system_largest_buffer;           /* in bytes; larger ones are refused, unless it is 0 */
static int system_buffers[64], system_num_buffers;

static inline void system_works( void )
{
    memset( system_at, 0, sizeof( system_at ) );
    system_opened = system_closed = system_largest_buffer = system_num_buffers = 0;
}

static inline void system_fails( int place, int error, int every )
{
    system_at[place].error = error;
    system_at[place].every = every;
}

static inline int system_refuses( int place )
{
    if ( ++system_at[place].calls % ( system_at[place].every ? system_at[place].every : 1 ) != 0 || !system_at[place].error )
        return 0;
    system_at[place].failed++;
    errno = system_at[place].error;
    return 1;
}

#if defined( __cplusplus )
extern "C" {
#endif

struct mmsghdr;
struct timespec;

int socket( int domain, int type, int protocol )
{
    int descriptor;
    if ( system_refuses( domain == AF_INET6 ? AT_SOCKET6 : AT_SOCKET4 ) )
        return -1;
    descriptor = (int) syscall( SYS_socket, domain, type, protocol );
    system_opened += descriptor >= 0;
    return descriptor;
}

int close( int descriptor )
{
    system_closed++;
    return (int) syscall( SYS_close, descriptor );
}

int bind( int descriptor, const struct sockaddr * address, socklen_t size )
{
    return system_refuses( AT_BIND ) ? -1 : (int) syscall( SYS_bind, descriptor, address, size );
}

int getsockname( int descriptor, struct sockaddr * address, socklen_t * size )
{
    return system_refuses( AT_GETSOCKNAME ) ? -1 : (int) syscall( SYS_getsockname, descriptor, address, size );
}

int setsockopt( int descriptor, int level, int option, const void * value, socklen_t size )
{
    int is_buffer = level == SOL_SOCKET && ( option == SO_SNDBUF || option == SO_RCVBUF );
    if ( level == IPPROTO_IPV6 && option == IPV6_V6ONLY && system_refuses( AT_V6ONLY ) )
        return -1;
    if ( is_buffer )
    {
        int bytes = *(const int *) value;
        if ( system_num_buffers < (int) ( sizeof( system_buffers ) / sizeof( system_buffers[0] ) ) )
            system_buffers[system_num_buffers++] = bytes;
        if ( system_refuses( option == SO_SNDBUF ? AT_SEND_BUFFER : AT_RECEIVE_BUFFER ) )
            return -1;
        if ( system_largest_buffer && bytes > system_largest_buffer )
        {
            errno = ENOBUFS;
            return -1;
        }
    }
    return (int) syscall( SYS_setsockopt, descriptor, level, option, value, size );
}

ssize_t sendto( int descriptor, const void * data, size_t bytes, int flags, const struct sockaddr * to, socklen_t size )
{
    return system_refuses( AT_SENDTO ) ? -1 : (ssize_t) syscall( SYS_sendto, descriptor, data, bytes, flags, to, size );
}

ssize_t recvfrom( int descriptor, void * data, size_t bytes, int flags, struct sockaddr * from, socklen_t * size )
{
    return system_refuses( AT_RECVFROM ) ? -1 : (ssize_t) syscall( SYS_recvfrom, descriptor, data, bytes, flags, from, size );
}

int recvmmsg( int descriptor, struct mmsghdr * headers, unsigned int count, int flags, struct timespec * timeout )
{
    return system_refuses( AT_RECVMMSG ) ? -1 : (int) syscall( SYS_recvmmsg, descriptor, headers, count, flags, timeout );
}

#if defined( __cplusplus )
}
#endif

#endif
