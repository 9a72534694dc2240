/*
 * netbench - a benchmark for any library that implements the netcode.h C API.
 *
 * Only functions and types declared in netcode.h are used, so the same source
 * (and the same object file) links against every implementation.
 * One JSON object per line on stdout.
 */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L

#include <netcode.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------ */
/* options                                                             */

#define MAX_LIST 32
#define MAX_REPS 101

static struct options
{
    int clients[MAX_LIST];
    int num_clients;
    int bytes[MAX_LIST];
    int num_bytes;
    int memory, socket;
    int reps;
    double ms;
    long iters;
    int port;
    int drain;
    int burst;
    int fork_each;
    const char * label;
    const char * kind;
} opt;

static int failures;

static void die( const char * format, ... )
{
    va_list args;
    va_start( args, format );
    fprintf( stderr, "netbench: " );
    vfprintf( stderr, format, args );
    fprintf( stderr, "\n" );
    va_end( args );
    exit( 2 );
}

/* ------------------------------------------------------------------ */
/* clocks and statistics                                               */

static double wall_ns( void )
{
    struct timespec t;
    clock_gettime( CLOCK_MONOTONIC, &t );
    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static void cpu_ns( double * user, double * sys )
{
    struct rusage r;
    getrusage( RUSAGE_SELF, &r );
    *user = (double) r.ru_utime.tv_sec * 1e9 + (double) r.ru_utime.tv_usec * 1e3;
    *sys = (double) r.ru_stime.tv_sec * 1e9 + (double) r.ru_stime.tv_usec * 1e3;
}

/* CPU time of the process, for parts of a repetition. Reading it is a system
   call, so its cost is measured once and taken off every interval. */

static double tick_ns( void )
{
    struct timespec t;
    clock_gettime( CLOCK_PROCESS_CPUTIME_ID, &t );
    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static double tick_cost( void )
{
    static double cost = -1;
    if ( cost < 0 )
    {
        for ( int i = 0; i < 2000; i++ )
        {
            double a = tick_ns(), b = tick_ns();
            if ( cost < 0 || b - a < cost )
                cost = b - a;
        }
    }
    return cost;
}

static double tick_since( double start )
{
    double d = tick_ns() - start - tick_cost();
    return d > 0 ? d : 0;
}

static long peak_rss_kb( void )
{
    struct rusage r;
    getrusage( RUSAGE_SELF, &r );
    return r.ru_maxrss;
}

static long now_rss_kb( void )
{
    long total = 0, resident = 0;
    FILE * f = fopen( "/proc/self/statm", "r" );
    if ( !f )
        return -1;
    if ( fscanf( f, "%ld %ld", &total, &resident ) != 2 )
        resident = -1;
    fclose( f );
    return resident * ( sysconf( _SC_PAGESIZE ) / 1024 );
}

static int by_value( const void * a, const void * b )
{
    double x = *(const double*) a, y = *(const double*) b;
    return ( x > y ) - ( x < y );
}

/* A series of repetitions of one measurement. */

struct series
{
    int reps;
    double wall[MAX_REPS];          /* ns per operation */
    double cpu[MAX_REPS];
    double total_user, total_sys, total_wall;
    double total_ops;
    double w0, u0, s0;
};

static void rep_begin( struct series * s )
{
    cpu_ns( &s->u0, &s->s0 );
    s->w0 = wall_ns();
}

static void rep_end( struct series * s, double ops )
{
    double w = wall_ns() - s->w0, u, k;
    cpu_ns( &u, &k );
    u -= s->u0;
    k -= s->s0;
    if ( ops <= 0 )
        ops = 1;
    s->wall[s->reps] = w / ops;
    s->cpu[s->reps] = ( u + k ) / ops;
    s->reps++;
    s->total_user += u;
    s->total_sys += k;
    s->total_wall += w;
    s->total_ops += ops;
}

static double median( const double * v, int n )
{
    double copy[MAX_REPS];
    memcpy( copy, v, sizeof( double ) * (size_t) n );
    qsort( copy, (size_t) n, sizeof( double ), by_value );
    return ( n & 1 ) ? copy[n/2] : 0.5 * ( copy[n/2-1] + copy[n/2] );
}

static double lowest( const double * v, int n )
{
    double m = v[0];
    for ( int i = 1; i < n; i++ ) if ( v[i] < m ) m = v[i];
    return m;
}

static double highest( const double * v, int n )
{
    double m = v[0];
    for ( int i = 1; i < n; i++ ) if ( v[i] > m ) m = v[i];
    return m;
}

/* JSON output: json_open, any number of json_* fields, json_close. */

static void json_open( const char * bench )
{
    printf( "{\"bench\":\"%s\",\"label\":\"%s\"", bench, opt.label );
}

static void json_str( const char * k, const char * v ) { printf( ",\"%s\":\"%s\"", k, v ); }
static void json_int( const char * k, double v ) { printf( ",\"%s\":%.0f", k, v ); }
static void json_num( const char * k, double v ) { printf( ",\"%s\":%.1f", k, v ); }
static void json_sec( const char * k, double v ) { printf( ",\"%s\":%.3f", k, v ); }

static void json_series( const struct series * s, const char * op )
{
    char key[96];
    double m = median( s->wall, s->reps );
    json_str( "op", op );
    snprintf( key, sizeof key, "ns_per_%s", op );
    json_num( key, m );
    json_num( "ns_min", lowest( s->wall, s->reps ) );
    json_num( "ns_max", highest( s->wall, s->reps ) );
    snprintf( key, sizeof key, "cpu_ns_per_%s", op );
    json_num( key, median( s->cpu, s->reps ) );
    json_num( "cpu_ns_min", lowest( s->cpu, s->reps ) );
    json_num( "ops_per_s", m > 0 ? 1e9 / m : 0 );
    json_int( "ops", s->total_ops );
    json_int( "reps", s->reps );
    json_sec( "wall_s", s->total_wall * 1e-9 );
    json_sec( "user_s", s->total_user * 1e-9 );
    json_sec( "sys_s", s->total_sys * 1e-9 );
    json_sec( "cpu_s", ( s->total_user + s->total_sys ) * 1e-9 );
}

static void json_close( int ok )
{
    printf( ",\"peak_rss_kb\":%ld,\"ok\":%s}\n", peak_rss_kb(), ok ? "true" : "false" );
    fflush( stdout );
    if ( !ok )
        failures++;
}

/* Keeps repeating while a repetition has time (or iterations) left. */

static int rep_more( const struct series * s, long batches )
{
    if ( opt.iters > 0 )
        return batches < opt.iters;
    return wall_ns() - s->w0 < opt.ms * 1e6;
}

/* small xorshift generator: the benchmark is the same on every run */

static uint64_t rng_state = 0x853c49e6748fea9bULL;

static uint64_t rng( void )
{
    uint64_t x = rng_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    rng_state = x;
    return x * 0x2545f4914f6cdd1dULL;
}

static void rng_fill( uint8_t * p, int n )
{
    for ( int i = 0; i < n; i++ ) p[i] = (uint8_t) ( rng() >> 33 );
}

/* ------------------------------------------------------------------ */
/* in-process packet transport                                         */

#define SLOT_BYTES 1300

struct slot
{
    int bytes;
    struct netcode_address_t from;
    uint8_t data[SLOT_BYTES];
};

/* A queue that goes back to its first slot whenever it runs empty, so that
   the memory it touches stays as small as its deepest backlog. */

struct fifo
{
    struct slot * slots;
    int capacity, head, tail;
    long dropped;
};

static void fifo_init( struct fifo * q, int capacity )
{
    memset( q, 0, sizeof *q );
    q->capacity = capacity;
    q->slots = (struct slot*) calloc( (size_t) capacity, sizeof( struct slot ) );
    if ( !q->slots )
        die( "out of memory" );
}

static void fifo_push( struct fifo * q, const struct netcode_address_t * from, const uint8_t * data, int bytes )
{
    if ( q->tail == q->capacity || bytes > SLOT_BYTES )
    {
        q->dropped++;
        return;
    }
    struct slot * s = &q->slots[q->tail++];
    s->bytes = bytes;
    s->from = *from;
    memcpy( s->data, data, (size_t) bytes );
}

static int fifo_pop( struct fifo * q, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    if ( q->head == q->tail )
    {
        q->head = q->tail = 0;
        return 0;
    }
    struct slot * s = &q->slots[q->head++];
    int bytes = s->bytes < max_bytes ? s->bytes : max_bytes;
    *from = s->from;
    memcpy( data, s->data, (size_t) bytes );
    return bytes;
}

static void fifo_clear( struct fifo * q ) { q->head = q->tail = 0; }

/* ------------------------------------------------------------------ */
/* one server and its clients                                          */

#define PROTOCOL 0x6e65746265636831ULL
#define SERVER_SLOTS 256
#define TOKEN_EXPIRE 3600

enum { MEMORY, SOCKET };

struct world;

struct peer
{
    struct world * w;
    int index;
    struct netcode_client_t * client;
    struct netcode_address_t address;
    struct fifo inbox;
    int slot;                           /* server slot once connected */
    uint32_t sent_up, got_up, sent_down, got_down;
    uint64_t last_up, last_down;        /* packet sequences seen */
};

/* hostile packets served to the server by its receive override */

struct flood
{
    int active;
    long left, position;
    int num_packets, num_sources;
    const struct slot * packets;
    const struct netcode_address_t * sources;
};

struct world
{
    int transport, n;
    double time;
    char address[64];
    struct netcode_address_t server_address;
    struct netcode_server_t * server;
    struct peer * peers;
    struct fifo inbox;                  /* packets on their way to the server */
    uint8_t key[NETCODE_KEY_BYTES];
    uint64_t next_client_id;
    int tap;                            /* keep a copy of what clients send */
    struct slot tapped[SERVER_SLOTS];
    int muted;                          /* drop and count what the server sends */
    long muted_packets, muted_bytes;
    struct flood flood;
    long corrupt;
};

static void server_sends( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct world * w = (struct world*) context;
    if ( w->muted )
    {
        w->muted_packets++;
        w->muted_bytes += bytes;
        return;
    }
    int i = to->data.ipv4[2] * 256 + to->data.ipv4[3];
    if ( to->data.ipv4[0] == 10 && i < w->n )
        fifo_push( &w->peers[i].inbox, &w->server_address, data, bytes );
}

static int flood_next( struct flood * f, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    if ( f->left <= 0 )
        return 0;
    const struct slot * s = &f->packets[f->position % f->num_packets];
    *from = f->num_sources ? f->sources[f->position % f->num_sources] : s->from;
    f->position++;
    f->left--;
    int bytes = s->bytes < max_bytes ? s->bytes : max_bytes;
    memcpy( data, s->data, (size_t) bytes );
    return bytes;
}

static int server_receives( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct world * w = (struct world*) context;
    if ( w->flood.active )
        return flood_next( &w->flood, from, data, max_bytes );
    return fifo_pop( &w->inbox, from, data, max_bytes );
}

static void client_sends( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct peer * p = (struct peer*) context;
    (void) to;
    if ( p->w->tap && bytes <= SLOT_BYTES )
    {
        struct slot * s = &p->w->tapped[p->index];
        s->bytes = bytes;
        s->from = p->address;
        memcpy( s->data, data, (size_t) bytes );
    }
    fifo_push( &p->w->inbox, &p->address, data, bytes );
}

static int client_receives( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct peer * p = (struct peer*) context;
    return fifo_pop( &p->inbox, from, data, max_bytes );
}

/* the source address of client i of the memory transport */

static void peer_address( struct netcode_address_t * a, int i )
{
    memset( a, 0, sizeof *a );
    a->type = NETCODE_ADDRESS_IPV4;
    a->data.ipv4[0] = 10;
    a->data.ipv4[1] = 77;
    a->data.ipv4[2] = (uint8_t) ( i >> 8 );
    a->data.ipv4[3] = (uint8_t) i;
    a->port = (uint16_t) ( 20000 + i );
}

/* an address that no client has */

static void stranger_address( struct netcode_address_t * a )
{
    memset( a, 0, sizeof *a );
    a->type = NETCODE_ADDRESS_IPV4;
    a->data.ipv4[0] = 203;
    a->data.ipv4[1] = (uint8_t) ( rng() >> 20 );
    a->data.ipv4[2] = (uint8_t) ( rng() >> 20 );
    a->data.ipv4[3] = (uint8_t) ( rng() >> 20 );
    a->port = (uint16_t) ( 1024 + ( rng() >> 20 ) % 60000 );
}

static void make_token( struct world * w, uint64_t client_id, int timeout, uint8_t * token )
{
    uint8_t user[NETCODE_USER_DATA_BYTES];
    const char * address[1];
    memset( user, (int) ( client_id & 0xff ), sizeof user );
    address[0] = w->address;
    if ( netcode_generate_connect_token( 1, address, address, TOKEN_EXPIRE, timeout, client_id, PROTOCOL, w->key, user, token ) != NETCODE_OK )
        die( "netcode_generate_connect_token failed" );
}

static void world_create( struct world * w, int transport, int n )
{
    struct netcode_server_config_t sc;
    memset( w, 0, sizeof *w );
    w->transport = transport;
    w->n = n;
    w->time = 100.0;
    w->next_client_id = 1;
    for ( int i = 0; i < NETCODE_KEY_BYTES; i++ )
        w->key[i] = (uint8_t) ( 3 * i + 17 );

    netcode_default_server_config( &sc );
    sc.protocol_id = PROTOCOL;
    memcpy( sc.private_key, w->key, NETCODE_KEY_BYTES );
    sc.callback_context = w;
    if ( transport == MEMORY )
    {
        sc.override_send_and_receive = 1;
        sc.send_packet_override = server_sends;
        sc.receive_packet_override = server_receives;
        fifo_init( &w->inbox, 8192 );
    }

    int port = transport == MEMORY ? 40000 : opt.port;
    for ( int tries = 0; tries < 64 && !w->server; tries++, port++ )
    {
        snprintf( w->address, sizeof w->address, "127.0.0.1:%d", port );
        w->server = netcode_server_create( w->address, &sc, w->time );
    }
    if ( !w->server )
        die( "netcode_server_create failed (%d)", netcode_server_create_error() );
    if ( netcode_parse_address( w->address, &w->server_address ) != NETCODE_OK )
        die( "netcode_parse_address failed" );
    netcode_server_start( w->server, SERVER_SLOTS );

    w->peers = (struct peer*) calloc( (size_t) ( n ? n : 1 ), sizeof( struct peer ) );
    if ( !w->peers )
        die( "out of memory" );
    for ( int i = 0; i < n; i++ )
    {
        struct peer * p = &w->peers[i];
        struct netcode_client_config_t cc;
        char text[64];
        p->w = w;
        p->index = i;
        p->slot = -1;
        peer_address( &p->address, i );
        netcode_default_client_config( &cc );
        cc.callback_context = p;
        if ( transport == MEMORY )
        {
            cc.override_send_and_receive = 1;
            cc.send_packet_override = client_sends;
            cc.receive_packet_override = client_receives;
            fifo_init( &p->inbox, 64 );
            snprintf( text, sizeof text, "10.77.%d.%d:%d", i >> 8, i & 255, 20000 + i );
        }
        else
            snprintf( text, sizeof text, "0.0.0.0" );
        p->client = netcode_client_create( text, &cc, w->time );
        if ( !p->client )
            die( "netcode_client_create failed (%d)", netcode_client_create_error() );
    }
}

static void world_destroy( struct world * w )
{
    w->muted = 1;                       /* both sides still send disconnects */
    for ( int i = 0; i < w->n; i++ )
        netcode_client_destroy( w->peers[i].client );
    netcode_server_destroy( w->server );
    for ( int i = 0; i < w->n; i++ )
        free( w->peers[i].inbox.slots );
    free( w->peers );
    free( w->inbox.slots );
}

/* how many clients send before the server takes what has arrived: all of them
   in memory, a few on sockets, whose receive buffers are finite */

static int world_group( const struct world * w )
{
    if ( w->transport == MEMORY || opt.drain <= 0 )
        return w->n > 0 ? w->n : 1;
    return opt.drain;
}

static void world_tick( struct world * w, double dt )
{
    int group = world_group( w );
    for ( int i = 0; i < w->n; )
    {
        int end = i + group < w->n ? i + group : w->n;
        for ( ; i < end; i++ )
            netcode_client_update( w->peers[i].client, w->time );
        netcode_server_update( w->server, w->time );
    }
    if ( w->n == 0 )
        netcode_server_update( w->server, w->time );
    w->time += dt;
}

static int world_all_connected( const struct world * w )
{
    for ( int i = 0; i < w->n; i++ )
        if ( netcode_client_state( w->peers[i].client ) != NETCODE_CLIENT_STATE_CONNECTED )
            return 0;
    return netcode_server_num_connected_clients( w->server ) == w->n;
}

static void world_connect( struct world * w, int timeout )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    for ( int i = 0; i < w->n; i++ )
    {
        make_token( w, w->next_client_id++, timeout, token );
        netcode_client_connect( w->peers[i].client, token );
    }
    for ( int tick = 0; tick < 400 && !world_all_connected( w ); tick++ )
    {
        world_tick( w, 0.11 );
        if ( w->transport == SOCKET )
            usleep( 200 );
    }
    if ( !world_all_connected( w ) )
        die( "only %d of %d clients connected", netcode_server_num_connected_clients( w->server ), w->n );
    for ( int i = 0; i < w->n; i++ )
    {
        struct peer * p = &w->peers[i];
        p->slot = netcode_client_index( p->client );
        if ( !netcode_server_client_connected( w->server, p->slot ) )
            die( "client %d says slot %d, the server disagrees", i, p->slot );
    }
    for ( int tick = 0; tick < 4; tick++ )
        world_tick( w, 0.11 );
}

static void world_disconnect( struct world * w )
{
    for ( int i = 0; i < w->n; i++ )
    {
        netcode_client_disconnect( w->peers[i].client );
        if ( w->transport == SOCKET && i % 16 == 15 )
            netcode_server_update( w->server, w->time );
    }
    for ( int i = 0; i < 50 && netcode_server_num_connected_clients( w->server ) > 0; i++ )
        netcode_server_update( w->server, w->time );
    if ( netcode_server_num_connected_clients( w->server ) != 0 )
        netcode_server_disconnect_all_clients( w->server );
    for ( int i = 0; i < w->n; i++ )
    {
        fifo_clear( &w->peers[i].inbox );
        w->peers[i].slot = -1;
    }
    fifo_clear( &w->inbox );
}

/* ------------------------------------------------------------------ */
/* payload content: 8 bytes of header and a shifting pattern            */

static uint8_t pattern[NETCODE_MAX_PACKET_SIZE + 512];

static void pattern_init( void )
{
    for ( int i = 0; i < (int) sizeof pattern; i++ )
        pattern[i] = (uint8_t) ( ( i * 131 + ( i >> 8 ) * 29 + 7 ) ^ ( i >> 3 ) );
}

static void payload_write( uint8_t * p, int bytes, int direction, int client, uint32_t count )
{
    uint32_t tag = ( (uint32_t) direction << 24 ) | (uint32_t) client;
    memcpy( p, &count, 4 );
    memcpy( p + 4, &tag, 4 );
    memcpy( p + 8, pattern + ( ( client * 7 + (int) count ) & 511 ) , (size_t) ( bytes - 8 ) );
}

/* returns the packet's count, or -1 when the content is not what was sent */

static int64_t payload_check( const uint8_t * p, int bytes, int expect_bytes, int direction, int client )
{
    uint32_t count, tag;
    if ( bytes != expect_bytes )
        return -1;
    memcpy( &count, p, 4 );
    memcpy( &tag, p + 4, 4 );
    if ( tag != ( ( (uint32_t) direction << 24 ) | (uint32_t) client ) )
        return -1;
    if ( memcmp( p + 8, pattern + ( ( client * 7 + (int) count ) & 511 ), (size_t) ( bytes - 8 ) ) != 0 )
        return -1;
    return (int64_t) count;
}

static void server_drain( struct world * w, struct peer * p, int bytes )
{
    uint8_t * packet;
    int got;
    uint64_t sequence;
    while ( ( packet = netcode_server_receive_packet( w->server, p->slot, &got, &sequence ) ) != NULL )
    {
        if ( payload_check( packet, got, bytes, 1, p->index ) < 0 || ( p->got_up && sequence <= p->last_up ) )
            w->corrupt++;
        p->last_up = sequence;
        p->got_up++;
        netcode_server_free_packet( w->server, packet );
    }
}

static void client_drain( struct world * w, struct peer * p, int bytes )
{
    uint8_t * packet;
    int got;
    uint64_t sequence;
    while ( ( packet = netcode_client_receive_packet( p->client, &got, &sequence ) ) != NULL )
    {
        if ( payload_check( packet, got, bytes, 2, p->index ) < 0 || ( p->got_down && sequence <= p->last_down ) )
            w->corrupt++;
        p->last_down = sequence;
        p->got_down++;
        netcode_client_free_packet( p->client, packet );
    }
}

#define TICK ( 1.0 / 60.0 )

/* One tick of traffic: every client sends to the server and the reverse.
   server_time, when given, grows by the CPU ns spent in calls on the server. */

static void payload_tick( struct world * w, int bytes, double * server_time )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int group = world_group( w );
    double t = 0;
    for ( int first = 0; first < w->n; first += group )
    {
        int end = first + group < w->n ? first + group : w->n;
        for ( int i = first; i < end; i++ )
        {
            struct peer * p = &w->peers[i];
            for ( int k = 0; k < opt.burst; k++ )
            {
                payload_write( data, bytes, 1, i, p->sent_up++ );
                netcode_client_send_packet( p->client, data, bytes );
            }
        }
        if ( server_time ) t = tick_ns();
        netcode_server_update( w->server, w->time );
        for ( int i = first; i < end; i++ )
            server_drain( w, &w->peers[i], bytes );
        if ( server_time ) *server_time += tick_since( t );
    }
    if ( server_time ) t = tick_ns();
    for ( int i = 0; i < w->n; i++ )
    {
        struct peer * p = &w->peers[i];
        for ( int k = 0; k < opt.burst; k++ )
        {
            payload_write( data, bytes, 2, i, p->sent_down++ );
            netcode_server_send_packet( w->server, p->slot, data, bytes );
        }
    }
    if ( server_time ) *server_time += tick_since( t );
    for ( int i = 0; i < w->n; i++ )
    {
        struct peer * p = &w->peers[i];
        netcode_client_update( p->client, w->time );
        client_drain( w, p, bytes );
    }
    w->time += TICK;
}

static void payload_totals( struct world * w, double * sent, double * delivered )
{
    *sent = *delivered = 0;
    for ( int i = 0; i < w->n; i++ )
    {
        const struct peer * p = &w->peers[i];
        *sent += (double) p->sent_up + (double) p->sent_down;
        *delivered += (double) p->got_up + (double) p->got_down;
    }
}

/* what the benchmark itself costs per packet: building, queueing, checking */

static double payload_harness_ns( int n, int bytes )
{
    struct fifo q;
    struct netcode_address_t from;
    uint8_t data[NETCODE_MAX_PACKET_SIZE], out[SLOT_BYTES];
    long bad = 0, packets = 0;
    uint32_t count = 0;
    fifo_init( &q, n );
    peer_address( &from, 1 );
    double start = wall_ns(), spent;
    do
    {
        for ( int i = 0; i < n; i++ )
        {
            payload_write( data, bytes, 1, i, count );
            fifo_push( &q, &from, data, bytes );
        }
        for ( int i = 0; i < n; i++ )
        {
            fifo_pop( &q, &from, out, SLOT_BYTES );
            bad += payload_check( out, bytes, bytes, 1, i ) < 0;
        }
        fifo_pop( &q, &from, out, SLOT_BYTES );
        count++;
        packets += n;
        spent = wall_ns() - start;
    }
    while ( spent < 5e6 );
    free( q.slots );
    if ( bad )
        die( "harness self-check failed" );
    return spent / (double) packets;
}

static void bench_payload( int transport, int n, int bytes )
{
    static struct world w;
    struct series s;
    double sent0, got0, sent, got;
    memset( &s, 0, sizeof s );
    world_create( &w, transport, n );
    world_connect( &w, 30 );
    int inner = n >= 64 ? 1 : 64 / n;
    for ( int i = 0; i < 3 * inner; i++ )
        payload_tick( &w, bytes, NULL );
    payload_totals( &w, &sent0, &got0 );
    for ( int r = 0; r < opt.reps; r++ )
    {
        double a, b, ignore;
        long batches = 0;
        payload_totals( &w, &ignore, &a );
        rep_begin( &s );
        do
        {
            for ( int k = 0; k < inner; k++ )
                payload_tick( &w, bytes, NULL );
            batches++;
        }
        while ( rep_more( &s, batches ) );
        payload_totals( &w, &ignore, &b );
        rep_end( &s, b - a );
    }
    payload_totals( &w, &sent, &got );
    json_open( "payload" );
    json_str( "transport", transport == MEMORY ? "memory" : "socket" );
    json_int( "clients", n );
    json_int( "bytes", bytes );
    json_series( &s, "packet" );
    json_num( "harness_ns", payload_harness_ns( n, bytes ) );
    json_int( "sent", sent - sent0 );
    json_int( "delivered", got - got0 );
    json_int( "lost", ( sent - sent0 ) - ( got - got0 ) );
    json_int( "corrupt", (double) w.corrupt );
    json_int( "still_connected", netcode_server_num_connected_clients( w.server ) );
    json_close( w.corrupt == 0 && netcode_server_num_connected_clients( w.server ) == n && got > got0
        && ( transport == SOCKET || sent == got ) );
    world_destroy( &w );
}

/* ------------------------------------------------------------------ */
/* scale: what a server tick costs as clients are added                 */

static void bench_scale( int n, int bytes )
{
    static struct world w;
    struct series s;
    double server_reps[MAX_REPS], sent, got;
    memset( &s, 0, sizeof s );
    world_create( &w, MEMORY, n );
    world_connect( &w, 30 );
    for ( int i = 0; i < 64; i++ )
        payload_tick( &w, bytes, NULL );
    for ( int r = 0; r < opt.reps; r++ )
    {
        long ticks = 0;
        double server_time = 0;
        rep_begin( &s );
        do
        {
            payload_tick( &w, bytes, &server_time );
            ticks++;
        }
        while ( rep_more( &s, ticks ) );
        rep_end( &s, (double) ticks );
        server_reps[r] = server_time / (double) ticks;
    }
    payload_totals( &w, &sent, &got );
    json_open( "scale" );
    json_int( "clients", n );
    json_int( "bytes", bytes );
    json_num( "server_cpu_ns_per_tick", median( server_reps, opt.reps ) );
    json_num( "server_cpu_ns_per_tick_min", lowest( server_reps, opt.reps ) );
    json_num( "server_cpu_ns_per_client", median( server_reps, opt.reps ) / n );
    json_num( "server_cpu_ns_per_client_min", lowest( server_reps, opt.reps ) / n );
    json_series( &s, "tick" );
    json_close( w.corrupt == 0 && sent == got );
    world_destroy( &w );
}

/* ------------------------------------------------------------------ */
/* token and connect                                                    */

static void bench_token( void )
{
    static struct world w;
    struct series s;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    memset( &s, 0, sizeof s );
    world_create( &w, MEMORY, 0 );
    for ( int i = 0; i < 500; i++ )
        make_token( &w, 1, 10, token );
    for ( int r = 0; r < opt.reps; r++ )
    {
        long tokens = 0, batches = 0;
        rep_begin( &s );
        do
        {
            for ( int i = 0; i < 64; i++ )
                make_token( &w, w.next_client_id++, 10, token );
            tokens += 64;
            batches++;
        }
        while ( rep_more( &s, batches ) );
        rep_end( &s, (double) tokens );
    }
    json_open( "token" );
    json_int( "servers", 1 );
    json_series( &s, "token" );
    json_close( 1 );
    world_destroy( &w );
}

static void bench_connect( int n )
{
    static struct world w;
    static uint8_t tokens[SERVER_SLOTS][NETCODE_CONNECT_TOKEN_BYTES];
    struct series s;
    double server_reps[MAX_REPS], token_reps[MAX_REPS];
    double ticks_total = 0;
    int ok = 1;
    memset( &s, 0, sizeof s );
    world_create( &w, MEMORY, n );

    /* a repetition is as many storms as fit in its time; only the part between
       the first netcode_client_connect and the last client connected counts */

    for ( int r = -1; r < opt.reps; r++ )
    {
        double spent = 0, user = 0, sys = 0, server_time = 0, token_time = 0;
        long storms = 0;
        do
        {
            double t = tick_ns(), u0, k0, u1, k1;
            for ( int i = 0; i < n; i++ )
                make_token( &w, w.next_client_id++, 10, tokens[i] );
            token_time += tick_since( t );

            cpu_ns( &u0, &k0 );
            t = wall_ns();
            for ( int i = 0; i < n; i++ )
                netcode_client_connect( w.peers[i].client, tokens[i] );
            int tick = 0;
            do
            {
                for ( int i = 0; i < n; i++ )
                    netcode_client_update( w.peers[i].client, w.time );
                double t1 = tick_ns();
                netcode_server_update( w.server, w.time );
                server_time += tick_since( t1 );
                w.time += 0.11;
                tick++;
            }
            while ( tick < 100 && !world_all_connected( &w ) );
            spent += wall_ns() - t;
            cpu_ns( &u1, &k1 );
            user += u1 - u0;
            sys += k1 - k0;
            if ( !world_all_connected( &w ) )
                ok = 0;
            ticks_total += tick;
            storms++;
            world_disconnect( &w );
            w.time += 1.0;
        }
        while ( opt.iters > 0 ? storms < opt.iters : spent < opt.ms * 1e6 );
        if ( r < 0 )
        {
            ticks_total = 0;
            continue;
        }
        double ops = (double) storms * n;
        s.wall[s.reps] = spent / ops;
        s.cpu[s.reps] = ( user + sys ) / ops;
        s.total_wall += spent;
        s.total_user += user;
        s.total_sys += sys;
        s.total_ops += ops;
        server_reps[s.reps] = server_time / ops;
        token_reps[s.reps] = token_time / ops;
        s.reps++;
    }
    json_open( "connect" );
    json_int( "clients", n );
    json_int( "server_slots", SERVER_SLOTS );
    json_series( &s, "handshake" );
    json_num( "server_cpu_ns_per_handshake", median( server_reps, s.reps ) );
    json_num( "server_cpu_ns_min", lowest( server_reps, s.reps ) );
    json_num( "token_cpu_ns", median( token_reps, s.reps ) );
    json_num( "ticks_per_storm", ticks_total / ( s.total_ops / n ) );
    json_close( ok );
    world_destroy( &w );
}

/* ------------------------------------------------------------------ */
/* flood: hostile packets                                               */

static const char * flood_kinds[] =
{
    "garbage_unknown",      /* random bytes, random lengths, unknown sources       */
    "garbage_spoofed",      /* the same from the addresses of connected clients    */
    "request_badmac",       /* well-formed connection request that fails its check */
    "request_replayed",     /* one used request, from many other addresses         */
    "request_repeated",     /* one unanswered request, again from its own address  */
    "payload_replayed",     /* payload packets that the server already has         */
    "payload_unknown",      /* looks encrypted, from unknown sources               */
    "payload_spoofed",      /* the same from the addresses of connected clients    */
    NULL
};

#define FLOOD_POOL 512
#define FLOOD_BATCH 512

static struct slot pool[FLOOD_POOL];
static struct netcode_address_t sources[4096];

static void request_header( uint8_t * p )
{
    uint64_t id = PROTOCOL, expire = (uint64_t) time( NULL ) + 86400;
    p[0] = 0;
    memcpy( p + 1, "NETCODE 1.02", 13 );
    for ( int i = 0; i < 8; i++ )
    {
        p[14+i] = (uint8_t) ( id >> ( 8 * i ) );
        p[22+i] = (uint8_t) ( expire >> ( 8 * i ) );
    }
}

static void bench_flood( const char * kind, int connected )
{
    static struct world w;
    struct series s;
    struct flood f;
    double harness = 0, bytes_in = 0;
    int num = FLOOD_POOL, num_sources = 0;
    memset( &s, 0, sizeof s );
    memset( &f, 0, sizeof f );
    memset( pool, 0, sizeof pool );

    /* one peer more than are connected: the requests that are replayed are its own */

    int spare = strncmp( kind, "request_re", 10 ) == 0;
    if ( connected + spare > SERVER_SLOTS )
        connected = SERVER_SLOTS - spare;
    world_create( &w, MEMORY, connected + spare );
    w.n = connected;
    world_connect( &w, -1 );
    w.n = connected + spare;

    if ( !strcmp( kind, "garbage_unknown" ) || !strcmp( kind, "garbage_spoofed" ) )
    {
        for ( int i = 0; i < num; i++ )
        {
            pool[i].bytes = 1 + (int) ( ( rng() >> 20 ) % 1300 );
            rng_fill( pool[i].data, pool[i].bytes );
            if ( kind[8] == 'u' )
                stranger_address( &pool[i].from );
            else
                peer_address( &pool[i].from, i % connected );
        }
    }
    else if ( !strcmp( kind, "request_badmac" ) )
    {
        for ( int i = 0; i < num; i++ )
        {
            pool[i].bytes = 1078;
            rng_fill( pool[i].data, 1078 );
            request_header( pool[i].data );
            stranger_address( &pool[i].from );
        }
    }
    else if ( spare )
    {
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        struct peer * p = &w.peers[connected];
        make_token( &w, 0xabcdef, -1, token );
        netcode_client_connect( p->client, token );
        w.tap = 1;
        netcode_client_update( p->client, w.time );
        w.tap = 0;
        if ( w.tapped[connected].bytes != 1078 || w.tapped[connected].data[0] != 0 )
            die( "no connection request was captured" );
        w.muted = 1;
        netcode_server_update( w.server, w.time );      /* the server has now seen it once */
        if ( w.muted_packets == 0 )
            die( "the server did not answer the connection request" );
        pool[0] = w.tapped[connected];
        num = 1;
        if ( !strcmp( kind, "request_replayed" ) )
        {
            num_sources = (int) ( sizeof sources / sizeof sources[0] );
            for ( int i = 0; i < num_sources; i++ )
                stranger_address( &sources[i] );
        }
    }
    else if ( !strcmp( kind, "payload_replayed" ) )
    {
        uint8_t data[128];
        num = connected;
        w.tap = 1;
        for ( int i = 0; i < connected; i++ )
        {
            struct peer * p = &w.peers[i];
            payload_write( data, 100, 1, i, p->sent_up++ );
            netcode_client_send_packet( p->client, data, 100 );
            pool[i] = w.tapped[i];
        }
        w.tap = 0;
        netcode_server_update( w.server, w.time );
        for ( int i = 0; i < connected; i++ )
        {
            server_drain( &w, &w.peers[i], 100 );
            if ( w.peers[i].got_up != 1 )
                die( "the server did not receive the payload that is to be replayed" );
        }
    }
    else if ( !strcmp( kind, "payload_unknown" ) || !strcmp( kind, "payload_spoofed" ) )
    {
        /* a payload packet of 100 bytes with a high 8 byte sequence and a wrong mac */

        for ( int i = 0; i < num; i++ )
        {
            pool[i].bytes = 1 + 8 + 100 + NETCODE_MAC_BYTES;
            rng_fill( pool[i].data, pool[i].bytes );
            pool[i].data[0] = 0x85;
            pool[i].data[8] = (uint8_t) ( 1 + i % 100 );
            if ( kind[8] == 'u' )
                stranger_address( &pool[i].from );
            else
                peer_address( &pool[i].from, i % connected );
        }
    }
    else
        die( "unknown flood kind %s", kind );

    for ( int i = 0; i < num; i++ )
        bytes_in += pool[i].bytes;
    bytes_in /= num;

    f.packets = pool;
    f.num_packets = num;
    f.sources = sources;
    f.num_sources = num_sources;
    w.flood = f;
    w.flood.active = 1;
    w.muted = 1;
    netcode_server_update( w.server, w.time );          /* keep-alives that are due go now */
    w.muted_packets = w.muted_bytes = 0;

    int spoilt = 0;
    long packets_all = 0;
    for ( int r = -1; r < opt.reps; r++ )
    {
        long packets = 0, batches = 0;
        if ( r >= 0 )
            rep_begin( &s );
        do
        {
            w.flood.left = FLOOD_BATCH;
            netcode_server_update( w.server, w.time );
            if ( w.flood.left != 0 )
                spoilt = 1;
            packets += FLOOD_BATCH - w.flood.left;
            batches++;
        }
        while ( r < 0 ? batches < 8 : rep_more( &s, batches ) );
        packets_all += packets;
        if ( r >= 0 )
            rep_end( &s, (double) packets );
    }

    /* the packet source on its own */
    {
        uint8_t out[SLOT_BYTES];
        struct netcode_address_t from;
        long packets = 0;
        double start = wall_ns(), spent;
        do
        {
            w.flood.left = FLOOD_BATCH;
            while ( server_receives( &w, &from, out, SLOT_BYTES ) )
                packets++;
            spent = wall_ns() - start;
        }
        while ( spent < 5e6 );
        harness = spent / (double) packets;
    }

    /* nothing of it may reach the application */
    int leaked = 0;
    for ( int i = 0; i < SERVER_SLOTS; i++ )
    {
        int got;
        uint64_t sequence;
        uint8_t * packet = netcode_server_receive_packet( w.server, i, &got, &sequence );
        if ( packet )
        {
            leaked++;
            netcode_server_free_packet( w.server, packet );
        }
    }
    int still = netcode_server_num_connected_clients( w.server );
    json_open( "flood" );
    json_str( "kind", kind );
    json_int( "connected", connected );
    json_num( "avg_bytes", bytes_in );
    json_series( &s, "packet" );
    json_num( "harness_ns", harness );
    json_num( "reply_packets_pct", 100.0 * (double) w.muted_packets / (double) packets_all );
    json_num( "reply_bytes_per_packet", (double) w.muted_bytes / (double) packets_all );
    json_int( "leaked", leaked );
    json_int( "still_connected", still );
    json_int( "all_consumed", !spoilt );
    json_close( leaked == 0 && still == connected );
    world_destroy( &w );
}

/* ------------------------------------------------------------------ */
/* idle                                                                 */

static void bench_idle( int n )
{
    static struct world w;
    struct series s;
    double server_reps[MAX_REPS];
    memset( &s, 0, sizeof s );
    world_create( &w, MEMORY, n );
    world_connect( &w, 30 );
    for ( int i = 0; i < 60; i++ )
        world_tick( &w, TICK );
    for ( int r = 0; r < opt.reps; r++ )
    {
        long ticks = 0, batches = 0;
        double server_time = 0;
        rep_begin( &s );
        do
        {
            for ( int k = 0; k < 60; k++ )
            {
                for ( int i = 0; i < n; i++ )
                    netcode_client_update( w.peers[i].client, w.time );
                double t = tick_ns();
                netcode_server_update( w.server, w.time );
                server_time += tick_since( t );
                w.time += TICK;
            }
            ticks += 60;
            batches++;
        }
        while ( rep_more( &s, batches ) );
        rep_end( &s, (double) ticks );
        server_reps[r] = server_time / (double) ticks;
    }
    json_open( "idle" );
    json_int( "clients", n );
    json_series( &s, "tick" );
    json_num( "server_cpu_ns_per_tick", median( server_reps, s.reps ) );
    json_num( "server_cpu_ns_min", lowest( server_reps, s.reps ) );
    json_close( netcode_server_num_connected_clients( w.server ) == n );
    world_destroy( &w );
}

/* ------------------------------------------------------------------ */
/* memory                                                               */

static double hook_bytes, hook_calls;

static void * counted_allocate( void * context, size_t bytes )
{
    (void) context;
    hook_bytes += (double) bytes;
    hook_calls++;
    return malloc( bytes );
}

static void counted_free( void * context, void * p )
{
    (void) context;
    free( p );
}

static void bench_memory( void )
{
    enum { CLIENTS = 256 };
    struct netcode_server_config_t sc;
    struct netcode_client_config_t cc;
    static struct world w;
    struct netcode_client_t * clients[CLIENTS];
    struct netcode_server_t * server;

    /* touch everything once so that first-use costs are not charged below */

    world_create( &w, MEMORY, 1 );
    world_connect( &w, 30 );
    world_disconnect( &w );
    world_destroy( &w );

    netcode_default_server_config( &sc );
    sc.protocol_id = PROTOCOL;
    sc.callback_context = &w;
    sc.override_send_and_receive = 1;
    sc.send_packet_override = server_sends;
    sc.receive_packet_override = server_receives;
    sc.allocate_function = counted_allocate;
    sc.free_function = counted_free;
    memset( &w, 0, sizeof w );

    hook_bytes = hook_calls = 0;
    long r0 = now_rss_kb();
    server = netcode_server_create( "127.0.0.1:40000", &sc, 0.0 );
    if ( !server )
        die( "netcode_server_create failed" );
    long r1 = now_rss_kb();
    netcode_server_start( server, SERVER_SLOTS );
    long r2 = now_rss_kb();
    double server_hook = hook_bytes, server_calls = hook_calls;

    netcode_default_client_config( &cc );
    cc.callback_context = &w;
    cc.override_send_and_receive = 1;
    cc.send_packet_override = client_sends;
    cc.receive_packet_override = client_receives;
    cc.allocate_function = counted_allocate;
    cc.free_function = counted_free;
    hook_bytes = hook_calls = 0;
    long r3 = now_rss_kb();
    for ( int i = 0; i < CLIENTS; i++ )
    {
        clients[i] = netcode_client_create( "10.77.0.1:20000", &cc, 0.0 );
        if ( !clients[i] )
            die( "netcode_client_create failed" );
    }
    long r4 = now_rss_kb();
    double client_hook = hook_bytes / CLIENTS, client_calls = hook_calls / CLIENTS;
    for ( int i = 0; i < CLIENTS; i++ )
        netcode_client_destroy( clients[i] );
    netcode_server_destroy( server );

    /* resident size with everybody connected, less the harness's own queues */

    long r5 = now_rss_kb();
    world_create( &w, MEMORY, CLIENTS );
    world_connect( &w, 30 );
    for ( int i = 0; i < 60; i++ )
        payload_tick( &w, 100, NULL );
    long r6 = now_rss_kb();
    world_disconnect( &w );
    world_destroy( &w );

    json_open( "memory" );
    json_int( "server_create_rss_kb", (double) ( r1 - r0 ) );
    json_int( "server_create_start256_rss_kb", (double) ( r2 - r0 ) );
    json_int( "server_hook_bytes", server_hook );
    json_int( "server_hook_calls", server_calls );
    json_num( "client_rss_kb_each", (double) ( r4 - r3 ) / CLIENTS );
    json_num( "client_hook_bytes_each", client_hook );
    json_num( "client_hook_calls_each", client_calls );
    json_int( "connected256_rss_kb_with_harness", (double) ( r6 - r5 ) );
    json_close( 1 );
}

/* ------------------------------------------------------------------ */
/* command line                                                         */

static void parse_list( const char * text, int * list, int * count )
{
    *count = 0;
    while ( *text && *count < MAX_LIST )
    {
        char * end;
        long v = strtol( text, &end, 10 );
        if ( end == text )
            die( "bad list: %s", text );
        list[(*count)++] = (int) v;
        text = *end == ',' ? end + 1 : end;
    }
}

struct job
{
    int which, a, b, c;
    const char * kind;
};

enum { J_PAYLOAD, J_CONNECT, J_TOKEN, J_FLOOD, J_IDLE, J_MEMORY, J_SCALE };

static void run_job( const struct job * j )
{
    if ( netcode_init() != NETCODE_OK )
        die( "netcode_init failed" );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    pattern_init();
    switch ( j->which )
    {
        case J_PAYLOAD: bench_payload( j->a, j->b, j->c ); break;
        case J_CONNECT: bench_connect( j->b ); break;
        case J_TOKEN: bench_token(); break;
        case J_FLOOD: bench_flood( j->kind, j->b ); break;
        case J_IDLE: bench_idle( j->b ); break;
        case J_MEMORY: bench_memory(); break;
        case J_SCALE: bench_scale( j->b, j->c ); break;
    }
    netcode_term();
}

/* each job has its own process, so that peak memory is that job's */

static void submit( int which, int a, int b, int c, const char * kind )
{
    struct job j;
    j.which = which;
    j.a = a;
    j.b = b;
    j.c = c;
    j.kind = kind;
    if ( !opt.fork_each )
    {
        run_job( &j );
        return;
    }
    fflush( stdout );
    pid_t pid = fork();
    if ( pid < 0 )
        die( "fork failed" );
    if ( pid == 0 )
    {
        run_job( &j );
        fflush( stdout );
        _exit( failures ? 1 : 0 );
    }
    int status = 0;
    waitpid( pid, &status, 0 );
    if ( !WIFEXITED( status ) || WEXITSTATUS( status ) != 0 )
        failures++;
}

static void clients_default( const char * text )
{
    if ( opt.num_clients == 0 )
        parse_list( text, opt.clients, &opt.num_clients );
}

static void command( const char * name )
{
    struct options saved = opt;
    if ( !strcmp( name, "payload" ) )
    {
        clients_default( "1,16,64,256" );
        if ( opt.num_bytes == 0 )
            parse_list( "16,100,1200", opt.bytes, &opt.num_bytes );
        for ( int t = MEMORY; t <= SOCKET; t++ )
        {
            if ( ( t == MEMORY && !opt.memory ) || ( t == SOCKET && !opt.socket ) )
                continue;
            for ( int i = 0; i < opt.num_clients; i++ )
                for ( int k = 0; k < opt.num_bytes; k++ )
                    submit( J_PAYLOAD, t, opt.clients[i], opt.bytes[k], NULL );
        }
    }
    else if ( !strcmp( name, "connect" ) )
    {
        clients_default( "1,64,256" );
        for ( int i = 0; i < opt.num_clients; i++ )
            submit( J_CONNECT, 0, opt.clients[i], 0, NULL );
    }
    else if ( !strcmp( name, "token" ) )
        submit( J_TOKEN, 0, 0, 0, NULL );
    else if ( !strcmp( name, "flood" ) )
    {
        clients_default( "1,256" );
        for ( int i = 0; i < opt.num_clients; i++ )
            for ( int k = 0; flood_kinds[k]; k++ )
                if ( !opt.kind || !strcmp( opt.kind, flood_kinds[k] ) )
                    submit( J_FLOOD, 0, opt.clients[i], 0, flood_kinds[k] );
    }
    else if ( !strcmp( name, "idle" ) )
    {
        clients_default( "1,16,64,256" );
        for ( int i = 0; i < opt.num_clients; i++ )
            submit( J_IDLE, 0, opt.clients[i], 0, NULL );
    }
    else if ( !strcmp( name, "memory" ) )
        submit( J_MEMORY, 0, 0, 0, NULL );
    else if ( !strcmp( name, "scale" ) )
    {
        clients_default( "1,2,4,8,16,32,64,96,128,192,256" );
        if ( opt.num_bytes == 0 )
            parse_list( "100", opt.bytes, &opt.num_bytes );
        for ( int k = 0; k < opt.num_bytes; k++ )
            for ( int i = 0; i < opt.num_clients; i++ )
                submit( J_SCALE, 0, opt.clients[i], opt.bytes[k], NULL );
    }
    else
        die( "unknown command %s", name );
    opt = saved;
}

static void usage( void )
{
    fprintf( stderr,
        "usage: netbench COMMAND [options]\n"
        "  payload connect token flood idle memory scale   one benchmark\n"
        "  all                                             all of them\n"
        "options (or NETBENCH_REPS, NETBENCH_MS, NETBENCH_LABEL)\n"
        "  --clients 1,16      numbers of clients\n"
        "  --bytes 16,1200     payload sizes (8..1200; payload, scale)\n"
        "  --transport memory|socket|both   (payload)\n"
        "  --reps 5            repetitions; the figures are medians over them\n"
        "  --ms 60             milliseconds a repetition lasts\n"
        "  --iters N           batches a repetition has, instead of --ms\n"
        "  --burst 1           packets a client and tick, each way\n"
        "  --drain 32          socket: clients that send between two server updates\n"
        "  --port 47100        socket: first server port to try\n"
        "  --kind NAME         flood: this kind only\n"
        "  --label TEXT        put in every line\n"
        "  --no-fork           one process (for profilers)\n" );
    exit( 2 );
}

int main( int argc, char ** argv )
{
    const char * env;
    opt.memory = opt.socket = 1;
    opt.reps = 5;
    opt.ms = 60;
    opt.port = 47100;
    opt.drain = 32;
    opt.burst = 1;
    opt.fork_each = 1;
    opt.label = "";
    if ( ( env = getenv( "NETBENCH_REPS" ) ) != NULL ) opt.reps = atoi( env );
    if ( ( env = getenv( "NETBENCH_MS" ) ) != NULL ) opt.ms = atof( env );
    if ( ( env = getenv( "NETBENCH_LABEL" ) ) != NULL ) opt.label = env;
    if ( argc < 2 )
        usage();
    for ( int i = 2; i < argc; i++ )
    {
        const char * a = argv[i];
        const char * v = i + 1 < argc ? argv[i+1] : NULL;
        if ( !strcmp( a, "--no-fork" ) ) { opt.fork_each = 0; continue; }
        if ( !v )
            usage();
        i++;
        if ( !strcmp( a, "--clients" ) ) parse_list( v, opt.clients, &opt.num_clients );
        else if ( !strcmp( a, "--bytes" ) ) parse_list( v, opt.bytes, &opt.num_bytes );
        else if ( !strcmp( a, "--transport" ) )
        {
            opt.memory = strcmp( v, "socket" ) != 0;
            opt.socket = strcmp( v, "memory" ) != 0;
        }
        else if ( !strcmp( a, "--reps" ) ) opt.reps = atoi( v );
        else if ( !strcmp( a, "--ms" ) ) opt.ms = atof( v );
        else if ( !strcmp( a, "--iters" ) ) opt.iters = atol( v );
        else if ( !strcmp( a, "--burst" ) ) opt.burst = atoi( v );
        else if ( !strcmp( a, "--drain" ) ) opt.drain = atoi( v );
        else if ( !strcmp( a, "--port" ) ) opt.port = atoi( v );
        else if ( !strcmp( a, "--kind" ) ) opt.kind = v;
        else if ( !strcmp( a, "--label" ) ) opt.label = v;
        else usage();
    }
    if ( opt.reps < 1 || opt.reps > MAX_REPS || opt.burst < 1 || opt.burst > 16 )
        die( "bad --reps or --burst" );
    for ( int i = 0; i < opt.num_clients; i++ )
        if ( opt.clients[i] < 1 || opt.clients[i] > SERVER_SLOTS )
            die( "--clients are 1..%d", SERVER_SLOTS );
    for ( int i = 0; i < opt.num_bytes; i++ )
        if ( opt.bytes[i] < 8 || opt.bytes[i] > NETCODE_MAX_PACKET_SIZE )
            die( "--bytes are 8..%d", NETCODE_MAX_PACKET_SIZE );

    if ( !strcmp( argv[1], "all" ) )
    {
        static const char * all[] = { "token", "connect", "payload", "flood", "idle", "memory", "scale" };
        for ( int i = 0; i < (int) ( sizeof all / sizeof all[0] ); i++ )
            command( all[i] );
    }
    else
        command( argv[1] );
    return failures ? 1 : 0;
}
