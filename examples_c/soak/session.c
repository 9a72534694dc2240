/*
 * Sessions: their connect tokens, what has happened to them, and whether that explains how they end.
 */
#include "soak.h"

const char * const token_kind_names[TOKEN_KINDS] =
{
    "good", "fallback", "short", "wrong key", "wrong protocol", "wrong server", "tampered", "stale", "expired", "unreadable",
    "stolen", "loopback"
};

static const char * const cause_names[NUM_CAUSES] =
{
    "the client leaves", "the server sends it away", "the server stops, or has started anew", "the server has only just started",
    "the server is full", "an end is frozen", "the network is down", "its address is taken on the server",
    "it follows closely upon another", "its handshake is disturbed by replays"
};

#define SHORT_TOKEN_SECONDS 3
#define STALE_BY_SECONDS 100.0

/* ---- keeping them ---------------------------------------------------------------------------- */

struct session_t * session_with_id( uint64_t id )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        struct session_t * session = &world.sessions[i];
        if ( session->in_use && session->id == id && session->kind != TOKEN_STOLEN )
            return session;
    }
    return NULL;
}

static struct session_t * unused_session( void )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        if ( !world.sessions[i].in_use )
            return &world.sessions[i];
    }
    return NULL;
}

static void session_close( struct session_t * session )
{
    const struct flow_t * flows[2];
    int i;
    flows[0] = &session->parcel->to_server;
    flows[1] = &session->parcel->to_client;
    for ( i = 0; i < 2; i++ )
    {
        world.statistics.sent += flows[i]->sent;
        world.statistics.checked += flows[i]->received;
        world.statistics.bytes += flows[i]->bytes_received;
    }
    free( session->parcel );
    session->parcel = NULL;
    session->in_use = 0;
}

/* A session is forgotten when neither end has it and nobody can come with its packets any more. */
void close_old_sessions( double age )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        struct session_t * session = &world.sessions[i];
        if ( session->in_use && !session->on_client && !session->on_server && session->client->last != session && world.time - session->ended >= age )
            session_close( session );
    }
}

/* Has to come before what it explains. */
void session_cause( struct session_t * session, unsigned causes )
{
    int i;
    for ( i = 0; i < NUM_CAUSES; i++ )
    {
        if ( causes & ~session->causes & ( 1u << i ) )
            history_note( session->client, "session %" PRIu64 ": %s", session->id, cause_names[i] );
    }
    session->causes |= causes;
}

/* For all who have to do with a server. */
void session_causes_of_server( struct soak_server_t * server, unsigned causes )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        struct session_t * session = &world.sessions[i];
        if ( session->in_use && session->server == server && ( session->on_client || session->on_server ) )
            session_cause( session, causes );
    }
}

/* ---- making them ----------------------------------------------------------------------------- */

/* The user data travels through the token to the server, where it is compared. */
void fill_user_data( const struct session_t * session, uint8_t * user_data )
{
    payload_fill( user_data, NETCODE_USER_DATA_BYTES, session->id, 0 );
}

/* A token starts with 37 bytes in the clear (version, protocol, times); then nonce and private part, 1048 bytes. */
static void spoil_token( struct session_t * session, uint64_t dice )
{
    if ( session->kind == TOKEN_UNREADABLE )
        session->parcel->connect_token[0] ^= 1;
    if ( session->kind == TOKEN_TAMPERED )
        session->parcel->connect_token[37 + pick( dice, 10, 1048 )] ^= (uint8_t) ( 1 << pick( dice, 11, 8 ) );
}

static int token_lifetime( enum token_kind_t kind )
{
    return kind == TOKEN_EXPIRED ? 0 : kind == TOKEN_SHORT ? SHORT_TOKEN_SECONDS : DEMO_TOKEN_SECONDS;
}

static void make_token( struct session_t * session, uint64_t dice )
{
    char dead_address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    const char * public_addresses[2];
    const char * internal_addresses[2];
    uint8_t user_data[NETCODE_USER_DATA_BYTES], key[NETCODE_KEY_BYTES];
    uint64_t protocol_id = DEMO_PROTOCOL_ID;
    int count = 0;

    print_address( dead_address, sizeof( dead_address ), DEAD_PORT );
    if ( session->kind == TOKEN_FALLBACK )
    {
        public_addresses[count] = dead_address;
        internal_addresses[count++] = dead_address;
    }
    public_addresses[count] = session->server->address;
    internal_addresses[count++] = session->kind == TOKEN_WRONG_SERVER ? dead_address : session->server->address;

    memcpy( key, demo_private_key, NETCODE_KEY_BYTES );
    if ( session->kind == TOKEN_WRONG_KEY )
        key[pick( dice, 12, NETCODE_KEY_BYTES )] ^= 1;
    if ( session->kind == TOKEN_WRONG_PROTOCOL )
        protocol_id++;

    fill_user_data( session, user_data );
    if ( session->kind == TOKEN_STALE )
        wall_set( world.time - STALE_BY_SECONDS );
    if ( netcode_generate_connect_token( count, public_addresses, internal_addresses, token_lifetime( session->kind ), DEMO_TIMEOUT_SECONDS,
                                         session->id, protocol_id, key, user_data, session->parcel->connect_token ) != NETCODE_OK )
        violation( session->client, "no connect token for %s", session->server->address );
    wall_set( world.time );
    spoil_token( session, dice );
}

/*
 * After a session of the same client on the same server that has only just ended, late packets of the
 * old handshake can get in the way of the new one. That is in the nature of the protocol.
 */
static int follows_closely( const struct session_t * session )
{
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        const struct session_t * other = &world.sessions[i];
        if ( other->in_use && other != session && other->client == session->client && other->server == session->server &&
             ( other->on_client || world.time - other->ended < STRAGGLER_SECONDS ) )
            return 1;
    }
    return 0;
}

/* What a payload is made from: who sends it to whom in which session. */
static uint64_t flow_seed( const struct session_t * session, int from_client )
{
    uint64_t ends = (uint64_t) ( session->client->number * MAX_SERVERS + session->server->number ) * 2 + (uint64_t) from_client;
    return mix64( world.seed ^ mix64( session->id ^ mix64( ends ) ) );
}

static struct session_t * session_begin( struct soak_client_t * client, struct soak_server_t * server, enum token_kind_t kind, uint64_t id )
{
    struct session_t * session = unused_session();
    if ( !session )
        return NULL;
    memset( session, 0, sizeof( *session ) );
    session->in_use = 1;
    session->id = id;
    session->kind = kind;
    session->client = client;
    session->server = server;
    session->attempt = 1;
    session->server_start = server->starts;
    session->opened = session->ended = world.time;
    session->replayed = -STRAGGLER_SECONDS;
    session->parcel = (struct parcel_t *) allocate_zeroed( 1, sizeof( struct parcel_t ) );
    flow_begin( &session->parcel->to_server, flow_seed( session, 1 ) );
    flow_begin( &session->parcel->to_client, flow_seed( session, 0 ) );
    history_note( client, "session %" PRIu64 " for server %d, %s token", id, server->number, token_kind_names[kind] );
    if ( follows_closely( session ) )
        session_cause( session, CAUSE_STRAGGLERS );
    world.statistics.opened[kind]++;
    return session;
}

/* Returns NULL if too many sessions are remembered already. */
struct session_t * session_open( struct soak_client_t * client, struct soak_server_t * server, enum token_kind_t kind, uint64_t dice )
{
    struct session_t * session;
    if ( kind == TOKEN_STALE && !world.wall_is_ours )
        kind = TOKEN_WRONG_KEY;
    session = session_begin( client, server, kind, ++world.next_id );
    if ( !session )
        return NULL;
    if ( kind == TOKEN_SHORT && wall_seconds() + SHORT_TOKEN_SECONDS <= server->start_wall + NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME )
        session_cause( session, CAUSE_SERVER_YOUNG );
    if ( kind == TOKEN_LOOPBACK )
        return session;
    make_token( session, dice );
    server->tokens++;
    return session;
}

/*
 * Whether no server admits anybody with this token any more. A server that starts again forgets the tokens
 * that it has seen, and accepts those made in the very second in which it starts.
 */
int session_is_used_up( const struct session_t * session )
{
    return session->in_use && session->kind <= TOKEN_SHORT && session->admitted_start != 0 && session->admitted_start == session->server->starts &&
           world.time - session->opened > 1.0 && ( world.wall_is_ours || world.use_sockets );
}

/* A token that somebody else has used. NULL if there is none. */
struct session_t * session_steal( struct soak_client_t * thief, uint64_t dice )
{
    int i, first = pick( dice, 13, world.num_sessions );
    for ( i = 0; i < world.num_sessions; i++ )
    {
        const struct session_t * victim = &world.sessions[( first + i ) % world.num_sessions];
        struct session_t * session = session_is_used_up( victim ) && victim->client != thief
                                         ? session_begin( thief, victim->server, TOKEN_STOLEN, victim->id ) : NULL;
        if ( session )
        {
            memcpy( session->parcel->connect_token, victim->parcel->connect_token, NETCODE_CONNECT_TOKEN_BYTES );
            return session;
        }
    }
    return NULL;
}

/* ---- what the rules are ---------------------------------------------------------------------- */

/* What can keep a client with a good token from coming in. A full server is not among them: it says so. */
#define OBSTACLES ( CAUSE_SERVER_GONE | CAUSE_SERVER_YOUNG | CAUSE_FROZEN | CAUSE_BLACKOUT | CAUSE_ADDRESS_TAKEN | CAUSE_STRAGGLERS | CAUSE_REPLAYED )

int session_should_work( const struct session_t * session )
{
    return session->kind <= TOKEN_SHORT && ( session->admitted_attempt == 0 || session->admitted_attempt == session->attempt );
}

/* Whether what is known of the session explains that the client ends it in this state. */
int client_end_is_explained( const struct session_t * session, int state )
{
    int works = session_should_work( session ), causes = (int) session->causes;
    switch ( state )
    {
        case NETCODE_CLIENT_STATE_DISCONNECTED:
            return session->client->leaving || ( session->connected && ( causes & CAUSE_SERVER_LEFT ) );
        case NETCODE_CLIENT_STATE_CONNECTION_DENIED:
            return works && ( causes & CAUSE_SERVER_FULL );
        case NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT:
            return session->kind != TOKEN_EXPIRED && session->kind != TOKEN_UNREADABLE && ( !works || ( causes & OBSTACLES ) );
        case NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT:
            return works && ( causes & ( OBSTACLES | CAUSE_SERVER_LEFT ) );
        case NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT:
            return session->connected && ( !session->on_server || ( causes & ( CAUSE_FROZEN | CAUSE_BLACKOUT ) ) );
        case NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN:
            return session->kind == TOKEN_UNREADABLE;
        case NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED:
            return session->kind == TOKEN_EXPIRED || ( session->kind == TOKEN_SHORT && ( causes & OBSTACLES ) ) ||
                   ( session->kind == TOKEN_STOLEN && !session->connected );
        default:
            return 0;
    }
}

/* Likewise for the server's reason. */
int server_end_is_explained( const struct session_t * session, int reason )
{
    switch ( reason )
    {
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT:
            return session->kind != TOKEN_LOOPBACK && ( !session->on_client || ( session->causes & ( CAUSE_FROZEN | CAUSE_BLACKOUT ) ) );
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT:
            return ( session->causes & CAUSE_CLIENT_LEFT ) != 0;
        case NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT:
            return ( session->causes & CAUSE_SERVER_LEFT ) != 0;
        default:
            return 0;
    }
}

int frozen( double until )
{
    return world.time < until;
}

/* The server still has an older session at the client's address. */
static int address_is_taken( const struct session_t * session )
{
    struct soak_server_t * server = session->server;
    int i;
    for ( i = 0; i < server->num_slots; i++ )
    {
        const struct session_t * other = server->slots[i];
        if ( other && other != session && netcode_address_equal( netcode_server_client_address( server->server, i ), &session->client->endpoint.address ) )
            return 1;
    }
    return 0;
}

/* What is in the way of a session that is not connected. */
static unsigned obstacles_of( const struct session_t * session )
{
    const struct soak_server_t * server = session->server;
    unsigned causes = 0;
    if ( !netcode_server_running( server->server ) || server->starts != session->server_start )
        causes |= CAUSE_SERVER_GONE;
    if ( frozen( server->frozen_until ) )
        causes |= CAUSE_FROZEN;
    if ( server->last_full >= session->opened || server->occupied == server->num_slots )
        causes |= CAUSE_SERVER_FULL;
    if ( address_is_taken( session ) )
        causes |= CAUSE_ADDRESS_TAKEN;
    return causes;
}

void session_note_obstacles( struct session_t * session )
{
    if ( !session->connected && session->server->server )
        session_cause( session, obstacles_of( session ) );
}

/* For everybody who is connecting, and for everybody that the network is down. */
void note_obstacles( void )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
    {
        if ( world.clients[i].session )
            session_note_obstacles( world.clients[i].session );
    }
    for ( i = 0; frozen( world.blackout_until ) && i < world.num_servers; i++ )
        session_causes_of_server( &world.servers[i], CAUSE_BLACKOUT );
}
