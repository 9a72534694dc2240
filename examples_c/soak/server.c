/*
 * What servers do, what they are told about it, and what they receive and send.
 */
#include "soak.h"

#define SERVER_PORT_BASE 40000

/*
 * A server remembers the tokens that it has seen, 2048 of them, until they expire by the wall clock. Where
 * that is not ours it goes slower than the world, so a server starts anew before that many have come.
 */
#define TOKENS_PER_START 1500

/* ---- what a server is told ------------------------------------------------------------------- */

static const char * why_not_admit( const struct soak_server_t * server, int slot, const struct session_t * session )
{
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
    struct netcode_address_t * address = netcode_server_client_address( server->server, slot );
    int loopback = netcode_server_client_loopback( server->server, slot );
    if ( !session )
        return "nobody knows its id";
    fill_user_data( session, user_data );
    if ( loopback != ( session->kind == TOKEN_LOOPBACK ) )
        return "only one of both thinks that it is a loopback connection";
    if ( !loopback && session->admitted_start == server->starts )
        return "its token was used before";
    if ( !loopback && !session_should_work( session ) )
        return token_kind_names[session->kind];
    if ( session->server != server )
        return "its token is for another server";
    if ( session->on_server || server->slots[slot] )
        return "it is there already, or its slot is taken";
    if ( memcmp( netcode_server_client_user_data( server->server, slot ), user_data, sizeof( user_data ) ) != 0 )
        return "its user data is wrong";
    if ( !loopback && session->on_client && !netcode_address_equal( address, (struct netcode_address_t *) &session->client->endpoint.address ) )
        return "its address is wrong";
    return NULL;
}

static void session_connects( struct soak_server_t * server, int slot )
{
    uint64_t id = netcode_server_client_id( server->server, slot );
    struct session_t * session = session_with_id( id );
    const char * complaint = why_not_admit( server, slot, session );
    world.statistics.server_connects++;
    server->occupied++;
    if ( server->occupied == server->num_slots )
        server->last_full = world.time;
    if ( complaint )
        violation( session ? session->client : NULL, "server %d let session %" PRIu64 " in: %s", server->number, id, complaint );
    if ( !session )
        return;
    history_note( session->client, "session %" PRIu64 ": server %d let it in, slot %d", id, server->number, slot );
    session->on_server = 1;
    session->admitted_start = server->starts;
    session->admitted_attempt = session->attempt;
    server->slots[slot] = session;
    server->loopbacks += session->kind == TOKEN_LOOPBACK;
    flow_send_to_client( &session->parcel->to_client, server->server, slot, 0, world.time );    /* a callback may send */
}

static void session_ends( struct soak_server_t * server, int slot )
{
    struct session_t * session = server->slots[slot];
    int reason = netcode_server_client_disconnect_reason( server->server, slot );
    world.statistics.left[reason & 3]++;
    if ( server->occupied == server->num_slots )
        server->last_full = world.time;
    server->occupied--;
    if ( !session || session->id != netcode_server_client_id( server->server, slot ) || !netcode_server_client_connected( server->server, slot ) )
    {
        violation( session ? session->client : NULL, "server %d lost a client from slot %d that was not in it", server->number, slot );
        return;
    }
    history_note( session->client, "session %" PRIu64 ": over on server %d, %s", session->id, server->number, disconnect_reason_name( reason ) );
    if ( !server_end_is_explained( session, reason ) )
        violation( session->client, "server %d ended session %" PRIu64 " without a cause: %s", server->number, session->id, disconnect_reason_name( reason ) );
    flow_send_to_client( &session->parcel->to_client, server->server, slot, 0, world.time );    /* goes out before the goodbye */
    server->slots[slot] = NULL;
    server->loopbacks -= session->kind == TOKEN_LOOPBACK;
    session->on_server = 0;
    if ( !session->on_client )
        session->ended = world.time;
}

static void on_connect_disconnect( void * context, int slot, int connected )
{
    struct soak_server_t * server = (struct soak_server_t *) context;
    course_note( ACTOR_SERVER( server->number ), (uint64_t) slot, (uint64_t) connected );
    if ( netcode_server_num_connected_clients( server->server ) != server->occupied + ( connected ? 1 : 0 ) )
        violation( NULL, "server %d counts %d clients inside the callback, %d have come and not gone", server->number,
                   netcode_server_num_connected_clients( server->server ), server->occupied + ( connected ? 1 : 0 ) );
    if ( connected )
        session_connects( server, slot );
    else
        session_ends( server, slot );
}

/* ---- coming and going ------------------------------------------------------------------------ */

void server_create( struct soak_server_t * server )
{
    struct netcode_server_config_t config;
    struct endpoint_t * endpoint = &server->endpoint;
    uint64_t dice = throw_dice( ACTOR_SERVER( server->number ) );
    memset( &endpoint->memory, 0, sizeof( endpoint->memory ) );
    endpoint->is_server = 1;
    endpoint->hooked = pick( dice, 21, 4 ) != 0;
    endpoint->overrides = wire_can_override() && pick( dice, 22, 2 );
    wire_open( endpoint, SERVER_PORT_BASE + server->number );

    netcode_default_server_config( &config );
    config.protocol_id = DEMO_PROTOCOL_ID;
    memcpy( config.private_key, demo_private_key, NETCODE_KEY_BYTES );
    if ( endpoint->hooked )
    {
        config.allocator_context = &endpoint->memory;
        config.allocate_function = counted_allocate;
        config.free_function = counted_free;
    }
    config.callback_context = server;
    config.connect_disconnect_callback = on_connect_disconnect;
    config.send_loopback_packet_callback = server_send_loopback;
    if ( endpoint->overrides )
    {
        config.override_send_and_receive = 1;
        config.send_packet_override = wire_send;
        config.receive_packet_override = wire_receive;
    }
    else if ( !world.use_sockets )
        config.network_simulator = world.simulator;
    netcode_address_to_string( &endpoint->address, server->address );
    server->server = netcode_server_create( server->address, &config, world.time );
    if ( !server->server )
        fail( server_create_error_name( netcode_server_create_error() ) );
    if ( world.use_sockets && !endpoint->overrides )
        endpoint->address.port = netcode_server_get_port( server->server );
    netcode_address_to_string( &endpoint->address, server->address );
}

void server_start( struct soak_server_t * server, uint64_t dice )
{
    int fair_share = 1 + world.num_clients / world.num_servers;
    int slots = 1 + pick( dice, 4, 2 * fair_share );
    if ( slots > NETCODE_MAX_CLIENTS )
        slots = NETCODE_MAX_CLIENTS;
    server->starts++;
    server->tokens = 0;
    server->num_slots = slots;
    netcode_server_start( server->server, slots );
    server->start_wall = wall_seconds();
    if ( !netcode_server_running( server->server ) || netcode_server_max_clients( server->server ) != slots )
        violation( NULL, "server %d did not start with %d slots", server->number, slots );
    world.statistics.server_starts++;
}

static void will_disconnect_all( struct soak_server_t * server, int loopbacks_too )
{
    int i;
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        if ( server->slots[i] && ( loopbacks_too || server->slots[i]->kind != TOKEN_LOOPBACK ) )
            session_cause( server->slots[i], CAUSE_SERVER_LEFT );
    }
}

/*
 * A server that starts again has forgotten the tokens that it has seen, and accepts them again if it does
 * so within the second in which they were made. So where the wall clock goes slower than the world, those
 * who are trying a used one have to give up now.
 */
static void send_reusers_away( const struct soak_server_t * server )
{
    int i;
    for ( i = 0; i < world.num_clients && !world.wall_is_ours; i++ )
    {
        const struct session_t * session = world.clients[i].session;
        if ( session && session->server == server && session->attempt > 1 )
            client_disconnect( &world.clients[i] );
    }
}

void server_stop( struct soak_server_t * server )
{
    send_reusers_away( server );
    will_disconnect_all( server, 1 );
    session_causes_of_server( server, CAUSE_SERVER_GONE );
    netcode_server_stop( server->server );
    if ( netcode_server_running( server->server ) || server->occupied != 0 || server->loopbacks != 0 )
        violation( NULL, "server %d has %d clients after it stopped", server->number, server->occupied );
    server->starts++;                   /* whoever is still connecting is not to expect that it works */
}

void server_destroy( struct soak_server_t * server )
{
    will_disconnect_all( server, 1 );
    session_causes_of_server( server, CAUSE_SERVER_GONE );
    netcode_server_destroy( server->server );
    server->server = NULL;
    server->starts++;
    wire_close( &server->endpoint );
    memory_check( &server->endpoint.memory, "server", server->number );
    if ( server->occupied != 0 )
        violation( NULL, "server %d was destroyed and did not say goodbye to %d clients", server->number, server->occupied );
}

static void disconnect_all( struct soak_server_t * server )
{
    will_disconnect_all( server, 0 );
    netcode_server_disconnect_all_clients( server->server );
    if ( server->occupied != server->loopbacks )
        violation( NULL, "server %d has %d clients after it disconnected all", server->number, server->occupied );
}

static void disconnect_one( struct soak_server_t * server, uint64_t dice )
{
    int slot = pick( dice, 5, netcode_server_max_clients( server->server ) );
    if ( !server->slots[slot] )
        return;
    session_cause( server->slots[slot], CAUSE_SERVER_LEFT );
    if ( server->slots[slot]->kind == TOKEN_LOOPBACK )
        netcode_server_disconnect_loopback_client( server->server, slot );
    else
        netcode_server_disconnect_client( server->server, slot );
    if ( server->slots[slot] || netcode_server_client_connected( server->server, slot ) )
        violation( NULL, "server %d still has the client that it disconnected", server->number );
}

static void freeze( struct soak_server_t * server, uint64_t dice )
{
    server->frozen_until = world.time + 0.2 + 0.01 * pick( dice, 20, 800 );
    world.statistics.freezes++;
    session_causes_of_server( server, CAUSE_FROZEN );
}

static void recreate( struct soak_server_t * server, uint64_t dice )
{
    send_reusers_away( server );
    if ( once_in( dice, 47, 2 ) )
        server_stop( server );
    server_destroy( server );
    server_create( server );
    server_start( server, dice );
    world.statistics.servers_recreated++;
}

static void restart( struct soak_server_t * server, uint64_t dice )
{
    if ( once_in( dice, 48, 2 ) )
        server_stop( server );
    else
    {
        send_reusers_away( server );
        will_disconnect_all( server, 1 );
        session_causes_of_server( server, CAUSE_SERVER_GONE );
    }
    server_start( server, dice );
}

void server_acts( struct soak_server_t * server )
{
    uint64_t dice = throw_dice( ACTOR_SERVER( server->number ) );
    if ( frozen( server->frozen_until ) )
        return;
    if ( !netcode_server_running( server->server ) )
    {
        if ( once_in( dice, 40, 60 ) )
            server_start( server, dice );
    }
    else if ( once_in( dice, 41, 4000 ) )
        recreate( server, dice );
    else if ( once_in( dice, 42, 4000 ) || ( server->tokens >= TOKENS_PER_START && !world.wall_is_ours ) )
        restart( server, dice );
    else if ( once_in( dice, 43, 4000 ) )
        server_stop( server );
    else if ( once_in( dice, 44, 4000 ) )
        disconnect_all( server );
    else if ( once_in( dice, 45, 300 ) )
        disconnect_one( server, dice );
    else if ( once_in( dice, 46, 4000 ) )
        freeze( server, dice );
}

/* ---- payloads -------------------------------------------------------------------------------- */

int server_free_slot( const struct soak_server_t * server )
{
    int i;
    for ( i = 0; i < server->num_slots; i++ )
    {
        if ( !server->slots[i] )
            return i;
    }
    return -1;
}

static void receive_all( struct soak_server_t * server, int slot )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        struct session_t * session = server->slots[slot];
        uint8_t * payload = netcode_server_receive_packet( server->server, slot, &bytes, &sequence );
        if ( !payload )
            return;
        course_note( ACTOR_SLOT_SENDS( server->number, slot ), sequence, (uint64_t) bytes );
        if ( !session || !flow_received( &session->parcel->to_server, payload, bytes, sequence, &stamp ) )
        {
            world.statistics.wrong++;
            violation( session ? session->client : NULL, "server %d received a wrong payload in slot %d: sequence %" PRIu64 ", %d bytes",
                       server->number, slot, sequence, bytes );
        }
        netcode_server_free_packet( server->server, payload );
    }
}

/* Mostly none or one, now and then several at once. */
static void send_some( struct soak_server_t * server, int slot )
{
    uint64_t dice = throw_dice( ACTOR_SLOT_SENDS( server->number, slot ) );
    int i, count = once_in( dice, 50, 40 ) ? 1 + pick( dice, 51, 8 ) : pick( dice, 52, 2 );
    for ( i = 0; i < count && world.acting; i++ )
        flow_send_to_client( &server->slots[slot]->parcel->to_client, server->server, slot, 0, world.time );
}

void server_send_loopback( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence )
{
    const struct soak_server_t * server = (const struct soak_server_t *) context;
    const struct session_t * session = server->slots[client_index];
    if ( !session || session->kind != TOKEN_LOOPBACK )
        violation( session ? session->client : NULL, "server %d sends by loopback to slot %d, where nobody is", server->number, client_index );
    else if ( session->on_client )
        netcode_client_process_loopback_packet( session->client->client, data, bytes, sequence );
}

void server_update( struct soak_server_t * server )
{
    int slot;
    if ( frozen( server->frozen_until ) )
        return;
    netcode_server_update( server->server, world.time );
    if ( netcode_server_num_connected_clients( server->server ) != server->occupied )
        violation( NULL, "server %d counts %d clients, %d have come and not gone", server->number,
                   netcode_server_num_connected_clients( server->server ), server->occupied );
    for ( slot = 0; slot < netcode_server_max_clients( server->server ); slot++ )
    {
        receive_all( server, slot );
        if ( server->slots[slot] )
            send_some( server, slot );
    }
}
