/*
 * What clients do, what they are told about it, and what they receive and send.
 */
#include "soak.h"

#define CLIENT_PORT_BASE 50000

/* ---- what a client is told ------------------------------------------------------------------- */

static void session_ends( struct soak_client_t * client, int state )
{
    struct session_t * session = client->session;
    session_note_obstacles( session );          /* the server may have become full in this very tick */
    if ( !client_end_is_explained( session, state ) )
        violation( client, "client %d ended session %" PRIu64 " (%s token, attempt %d) without a cause: %s", client->number, session->id,
                   token_kind_names[session->kind], session->attempt, client_state_name( state ) );
    world.statistics.ended[session->kind][state - NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED]++;
    session->on_client = 0;
    session->ended = world.time;
    client->last = session;
    client->session = NULL;
}

static void session_connects( struct soak_client_t * client )
{
    struct session_t * session = client->session;
    if ( !session_should_work( session ) || session->admitted_attempt != session->attempt )
        violation( client, "client %d connected with a token (%s, attempt %d) that no server admitted", client->number,
                   token_kind_names[session->kind], session->attempt );
    session->connected = 1;
    world.statistics.client_connects++;
}

/* Up step by step, back to the first for the token's next server, or down to an end. */
static int is_a_step( int previous, int current )
{
    switch ( current )
    {
        case NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST:   return previous < NETCODE_CLIENT_STATE_CONNECTED;
        case NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE:  return previous == NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST;
        case NETCODE_CLIENT_STATE_CONNECTED:                    return previous == NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE;
        case NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT:         return previous == NETCODE_CLIENT_STATE_CONNECTED;
        case NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN:        return previous <= NETCODE_CLIENT_STATE_DISCONNECTED;
        case NETCODE_CLIENT_STATE_DISCONNECTED:                 return previous > NETCODE_CLIENT_STATE_DISCONNECTED;
        default:
            return previous == NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST || previous == NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE;
    }
}

static void on_state( void * context, int previous, int current )
{
    struct soak_client_t * client = (struct soak_client_t *) context;
    course_note( ACTOR_CLIENT( client->number ), (uint64_t) ( previous + 10 ), (uint64_t) ( current + 10 ) );
    history_note( client, "client: %s -> %s", client_state_name( previous ), client_state_name( current ) );
    if ( client->client && netcode_client_state( client->client ) != previous )
        violation( client, "client %d is told of a state before that it is not in", client->number );
    if ( !is_a_step( previous, current ) )
        violation( client, "client %d: no way leads from '%s' to '%s'", client->number, client_state_name( previous ), client_state_name( current ) );
    if ( client->next && current != NETCODE_CLIENT_STATE_DISCONNECTED )
    {
        if ( client->session )
            violation( client, "client %d began a session before it ended the one before", client->number );
        client->session = client->next;
        client->session->on_client = 1;
        client->next = NULL;
    }
    if ( !client->session )
        violation( client, "client %d changed its state and has no session", client->number );
    else if ( current == NETCODE_CLIENT_STATE_CONNECTED )
        session_connects( client );
    else if ( current <= NETCODE_CLIENT_STATE_DISCONNECTED )
        session_ends( client, current );
}

/* ---- coming and going ------------------------------------------------------------------------ */

void client_create( struct soak_client_t * client )
{
    struct netcode_client_config_t config;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    uint64_t dice = throw_dice( ACTOR_CLIENT( client->number ) );
    struct endpoint_t * endpoint = &client->endpoint;
    memset( &endpoint->memory, 0, sizeof( endpoint->memory ) );
    endpoint->is_server = 0;
    endpoint->hooked = pick( dice, 21, 4 ) != 0;
    endpoint->overrides = wire_can_override() && pick( dice, 22, 2 );
    wire_open( endpoint, CLIENT_PORT_BASE + client->number );

    netcode_default_client_config( &config );
    if ( endpoint->hooked )
    {
        config.allocator_context = &endpoint->memory;
        config.allocate_function = counted_allocate;
        config.free_function = counted_free;
    }
    config.callback_context = client;
    config.state_change_callback = on_state;
    config.send_loopback_packet_callback = client_send_loopback;
    if ( endpoint->overrides )
    {
        config.override_send_and_receive = 1;
        config.send_packet_override = wire_send;
        config.receive_packet_override = wire_receive;
    }
    else if ( !world.use_sockets )
        config.network_simulator = world.simulator;
    netcode_address_to_string( &endpoint->address, address );
    client->client = netcode_client_create( address, &config, world.time );
    if ( !client->client )
        fail( client_create_error_name( netcode_client_create_error() ) );
    if ( world.use_sockets && !endpoint->overrides )
        endpoint->address.port = netcode_client_get_port( client->client );
    history_note( client, "client created%s%s", endpoint->overrides ? ", with overrides" : "", endpoint->hooked ? ", with allocator hooks" : "" );
}

/* The goodbye has to be noted first: its packets go out inside the call. */
static void will_leave( struct soak_client_t * client )
{
    if ( client->session )
        session_cause( client->session, CAUSE_CLIENT_LEFT );
    client->leaving = 1;
}

/*
 * A goodbye would be sealed with the owner's keys, under numbers that the owner has used, so whoever comes
 * with somebody else's token has to wait until it fails.
 */
int client_must_stay( const struct soak_client_t * client )
{
    return client->session && client->session->kind == TOKEN_STOLEN;
}

void client_leave_loopback( struct soak_client_t * client )
{
    struct session_t * session = client->session;
    struct soak_server_t * server = session->server;
    int slot = netcode_client_index( client->client );
    if ( session->on_server )
    {
        session_cause( session, CAUSE_SERVER_LEFT );
        netcode_server_disconnect_loopback_client( server->server, slot );
    }
    will_leave( client );
    netcode_client_disconnect_loopback( client->client );
    client->leaving = 0;
    if ( session->on_server || client->session || netcode_client_loopback( client->client ) )
        violation( client, "client %d has not left its loopback connection", client->number );
}

static int has_loopback( const struct soak_client_t * client )
{
    return client->session && client->session->kind == TOKEN_LOOPBACK;
}

void client_destroy( struct soak_client_t * client )
{
    if ( has_loopback( client ) )
        client_leave_loopback( client );
    will_leave( client );
    netcode_client_destroy( client->client );
    client->client = NULL;
    client->leaving = 0;
    wire_close( &client->endpoint );
    history_note( client, "client destroyed" );
    memory_check( &client->endpoint.memory, "client", client->number );
    if ( client->session )
        violation( client, "client %d was destroyed and did not say that its session is over", client->number );
    /* A new one would count from zero again under the token's keys. */
    client->last = NULL;
}

void client_disconnect( struct soak_client_t * client )
{
    if ( has_loopback( client ) )
    {
        client_leave_loopback( client );
        return;
    }
    will_leave( client );
    netcode_client_disconnect( client->client );
    client->leaving = 0;
    if ( client->session || netcode_client_state( client->client ) > NETCODE_CLIENT_STATE_DISCONNECTED )
        violation( client, "client %d is not disconnected after it disconnected", client->number );
}

static void begin( struct soak_client_t * client, struct session_t * session )
{
    int expected = session->kind == TOKEN_UNREADABLE ? NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN : NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST;
    will_leave( client );
    client->next = session;
    netcode_client_connect( client->client, session->parcel->connect_token );
    client->leaving = 0;
    if ( client->next || netcode_client_state( client->client ) != expected )
        violation( client, "client %d should now be in state '%s'", client->number, client_state_name( expected ) );
}

static enum token_kind_t choose_token_kind( uint64_t dice )
{
    int percent = pick( dice, 2, 100 );
    if ( percent < 72 )
        return TOKEN_GOOD;
    if ( percent < 76 )
        return TOKEN_FALLBACK;
    if ( percent < 80 )
        return TOKEN_SHORT;
    return (enum token_kind_t) ( TOKEN_WRONG_KEY + pick( dice, 3, TOKEN_LOOPBACK - TOKEN_WRONG_KEY ) );
}

static void connect_with_token( struct soak_client_t * client, uint64_t dice )
{
    struct soak_server_t * server = &world.servers[pick( dice, 1, world.num_servers )];
    enum token_kind_t kind = choose_token_kind( dice );
    struct session_t * session = kind == TOKEN_STOLEN ? session_steal( client, dice ) : session_open( client, server, kind, dice );
    if ( session )
        begin( client, session );
}

static void connect_loopback( struct soak_client_t * client, uint64_t dice )
{
    struct soak_server_t * server = &world.servers[pick( dice, 1, world.num_servers )];
    int slot = netcode_server_running( server->server ) && !frozen( server->frozen_until ) ? server_free_slot( server ) : -1;
    struct session_t * session = slot >= 0 ? session_open( client, server, TOKEN_LOOPBACK, dice ) : NULL;
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
    if ( !session )
        return;
    fill_user_data( session, user_data );
    client->session = session;
    session->on_client = 1;
    session->connected = 1;
    netcode_client_connect_loopback( client->client, slot, server->num_slots );
    netcode_server_connect_loopback_client( server->server, slot, session->id, user_data );
    if ( !session->on_server || server->slots[slot] != session || !netcode_client_loopback( client->client ) ||
         netcode_client_state( client->client ) != NETCODE_CLIENT_STATE_CONNECTED || netcode_client_index( client->client ) != slot ||
         netcode_client_max_clients( client->client ) != server->num_slots )
        violation( client, "client %d is not connected by loopback", client->number );
}

/*
 * Comes again with the same token, which works once. Only when the attempt before has died away: its late
 * packets are sealed with the same keys, and could be taken for the answer.
 */
static void use_token_again( struct soak_client_t * client )
{
    struct session_t * session = client->last;
    if ( session->kind > TOKEN_SHORT || session->on_server || session->server_start != session->server->starts || session->attempt > 1 ||
         ( session->admitted_start != 0 && !session_is_used_up( session ) ) || ( session->causes & ( CAUSE_FROZEN | CAUSE_BLACKOUT ) ) ||
         world.time - session->ended < STRAGGLER_SECONDS || world.time - session->replayed < STRAGGLER_SECONDS )
        return;
    session->attempt++;
    session->connected = 0;
    session->causes = 0;
    session->opened = world.time;
    history_note( client, "session %" PRIu64 " again, %s", session->id, session->admitted_start ? "with the used token" : "with the token that was not used" );
    if ( session->kind == TOKEN_SHORT )
        session_cause( session, CAUSE_SERVER_YOUNG );       /* the token may be too old by now */
    if ( session->admitted_start )
        world.statistics.used_again++;
    else
        world.statistics.retried++;
    begin( client, session );
}

/* ---- what a client does ---------------------------------------------------------------------- */

/*
 * A client's timers start from its last update, so one that connects after a long time without updates
 * can time out in the first one. It gets an update before it may do anything.
 */
static int wakes_up( struct soak_client_t * client )
{
    int woke = client->frozen_until > 0.0;
    client->frozen_until = 0.0;
    return woke;
}

/* After some sessions a client waits long enough for its token to be tried again. */
static int rests( const struct soak_client_t * client )
{
    return client->last && client->last->attempt == 1 && mix64( client->last->id ) % 4 == 0 &&
           world.time - client->last->ended < 2.0 * STRAGGLER_SECONDS;
}

static void freeze( struct soak_client_t * client, uint64_t dice )
{
    client->frozen_until = world.time + 0.2 + 0.01 * pick( dice, 20, 800 );
    world.statistics.freezes++;
    if ( client->session )
        session_cause( client->session, CAUSE_FROZEN );
}

static void recreate( struct soak_client_t * client )
{
    client_destroy( client );
    client_create( client );
    world.statistics.clients_recreated++;
}

void client_acts( struct soak_client_t * client )
{
    uint64_t dice = throw_dice( ACTOR_CLIENT( client->number ) );
    if ( frozen( client->frozen_until ) || wakes_up( client ) || client_must_stay( client ) )
        return;
    if ( once_in( dice, 30, 3000 ) )
        recreate( client );
    else if ( once_in( dice, 31, 3000 ) )
        freeze( client, dice );
    else if ( client->session )
    {
        if ( once_in( dice, 33, 600 ) )
            client_disconnect( client );
        else if ( once_in( dice, 32, 1500 ) && !has_loopback( client ) )
            connect_with_token( client, dice );
    }
    else if ( rests( client ) )
    {
        if ( once_in( dice, 34, 60 ) )
            use_token_again( client );
    }
    else if ( once_in( dice, 36, 600 ) )
        connect_loopback( client, dice );
    else if ( once_in( dice, 35, 30 ) )
        connect_with_token( client, dice );
}

/* ---- payloads -------------------------------------------------------------------------------- */

static void receive_all( struct soak_client_t * client )
{
    struct session_t * session = client->session ? client->session : client->last;      /* it may have ended in this very update */
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        uint8_t * payload = netcode_client_receive_packet( client->client, &bytes, &sequence );
        if ( !payload )
            return;
        course_note( ACTOR_CLIENT_SENDS( client->number ), sequence, (uint64_t) bytes );
        if ( !session || !flow_received( &session->parcel->to_client, payload, bytes, sequence, &stamp ) )
        {
            world.statistics.wrong++;
            violation( client, "client %d received a wrong payload: sequence %" PRIu64 ", %d bytes", client->number, sequence, bytes );
        }
        netcode_client_free_packet( client->client, payload );
    }
}

/* Mostly none or one, now and then several at once. */
static void send_some( struct soak_client_t * client )
{
    uint64_t dice = throw_dice( ACTOR_CLIENT_SENDS( client->number ) );
    int i, count = once_in( dice, 50, 40 ) ? 1 + pick( dice, 51, 8 ) : pick( dice, 52, 2 );
    if ( !client->session || netcode_client_state( client->client ) != NETCODE_CLIENT_STATE_CONNECTED || !world.acting )
        return;
    for ( i = 0; i < count; i++ )
        flow_send_to_server( &client->session->parcel->to_server, client->client, 0, world.time );
}

void client_send_loopback( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence )
{
    const struct soak_client_t * client = (const struct soak_client_t *) context;
    if ( !client->session || client->session->kind != TOKEN_LOOPBACK )
        violation( client, "client %d sends by loopback and is not connected so", client->number );
    else if ( client->session->on_server )
        netcode_server_process_loopback_packet( client->session->server->server, client_index, data, bytes, sequence );
}

void client_update( struct soak_client_t * client )
{
    if ( has_loopback( client ) && !client->session->on_server )
        client_leave_loopback( client );
    if ( frozen( client->frozen_until ) )
        return;
    netcode_client_update( client->client, world.time );
    receive_all( client );
    send_some( client );
}
