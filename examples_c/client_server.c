/*
 * Both ends in one program, over real UDP on loopback: a server, several clients, and a check of every
 * byte that travels between them. Clients send payloads of all sizes; the server answers each one with
 * a payload of its own that carries the time stamp back.
 *
 * Exits with 0 if every client connected and stayed, and everything that arrived was intact.
 *
 *     client_server --clients 8 --seconds 5 --rate 60
 */
#include "common.h"

#define TICK_SECONDS 0.001          /* short, so that the round trip shows the library and not the loop */
#define REPORT_SECONDS 0.5
#define CONNECT_SECONDS 10.0        /* to connect, before giving up */
#define DRAIN_SECONDS 0.5           /* for the last payloads to arrive, and for goodbyes */
#define FIRST_CLIENT_ID 1000
#define MAX_SENDS_PER_TICK 4        /* a client that fell behind catches up slowly */

struct player_t
{
    struct netcode_client_t * client;
    int connected_once;
    double next_send;
    struct flow_t to_server, to_client;
};

struct round_trips_t
{
    uint64_t count;
    double total, longest;
};

struct demo_t
{
    struct netcode_server_t * server;
    struct player_t * players;
    int num_players;
    double send_interval;
    int strangers;                  /* payloads from a client id that is none of ours */
    int left[4];                    /* how often, by disconnect reason */
    struct round_trips_t recent, overall;
    int on_terminal;
};

struct totals_t
{
    int connected;
    uint64_t sent_to_server, at_server, bytes_at_server;
    uint64_t sent_to_clients, at_clients, bytes_at_clients;
    uint64_t lost, wrong;
};

/* ---- the server's side ----------------------------------------------------------------------- */

static void on_connect_disconnect( void * context, int client_index, int connected )
{
    struct demo_t * demo = (struct demo_t *) context;
    if ( !connected )
        demo->left[netcode_server_client_disconnect_reason( demo->server, client_index ) & 3]++;
}

static struct player_t * player_in_slot( struct demo_t * demo, int client_index )
{
    uint64_t number = netcode_server_client_id( demo->server, client_index ) - FIRST_CLIENT_ID;
    return number < (uint64_t) demo->num_players ? &demo->players[number] : NULL;
}

static void answer_client( struct demo_t * demo, int client_index, double time )
{
    struct player_t * player = player_in_slot( demo, client_index );
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        uint8_t * payload = netcode_server_receive_packet( demo->server, client_index, &bytes, &sequence );
        if ( !payload )
            return;
        if ( !player )
            demo->strangers++;
        else if ( flow_received( &player->to_server, payload, bytes, sequence, &stamp ) )
            flow_send_to_client( &player->to_client, demo->server, client_index, stamp, time );
        netcode_server_free_packet( demo->server, payload );
    }
}

static void update_server( struct demo_t * demo )
{
    double time = netcode_time();
    int i;
    netcode_server_update( demo->server, time );
    for ( i = 0; i < netcode_server_max_clients( demo->server ); i++ )
    {
        if ( netcode_server_client_connected( demo->server, i ) )
            answer_client( demo, i, time );
    }
}

/* ---- the clients' side ----------------------------------------------------------------------- */

static void count_round_trip( struct round_trips_t * trips, double seconds )
{
    trips->count++;
    trips->total += seconds;
    if ( seconds > trips->longest )
        trips->longest = seconds;
}

static void receive_answers( struct demo_t * demo, struct player_t * player, double time )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint64_t sequence, stamp;
        uint8_t * payload = netcode_client_receive_packet( player->client, &bytes, &sequence );
        if ( !payload )
            return;
        if ( flow_received( &player->to_client, payload, bytes, sequence, &stamp ) && stamp )
        {
            count_round_trip( &demo->recent, time - seconds_from_stamp( stamp ) );
            count_round_trip( &demo->overall, time - seconds_from_stamp( stamp ) );
        }
        netcode_client_free_packet( player->client, payload );
    }
}

static void send_due_payloads( struct demo_t * demo, struct player_t * player, double time )
{
    int i;
    for ( i = 0; i < MAX_SENDS_PER_TICK && player->next_send <= time; i++ )
    {
        flow_send_to_server( &player->to_server, player->client, stamp_from_seconds( time ), time );
        player->next_send += demo->send_interval;
    }
}

static int player_connected( const struct player_t * player )
{
    return netcode_client_state( player->client ) == NETCODE_CLIENT_STATE_CONNECTED;
}

static void update_player( struct demo_t * demo, struct player_t * player, int sending )
{
    double time = netcode_time();
    netcode_client_update( player->client, time );
    receive_answers( demo, player, time );
    if ( !player_connected( player ) )
        return;
    player->connected_once = 1;
    if ( sending )
        send_due_payloads( demo, player, time );
}

/* ---- reports --------------------------------------------------------------------------------- */

static struct totals_t totals( const struct demo_t * demo, double lost_if_sent_before )
{
    struct totals_t sum;
    int i;
    memset( &sum, 0, sizeof( sum ) );
    sum.wrong = (uint64_t) demo->strangers;
    for ( i = 0; i < demo->num_players; i++ )
    {
        const struct player_t * player = &demo->players[i];
        sum.connected += player_connected( player );
        sum.sent_to_server += player->to_server.sent;
        sum.at_server += player->to_server.received;
        sum.bytes_at_server += player->to_server.bytes_received;
        sum.sent_to_clients += player->to_client.sent;
        sum.at_clients += player->to_client.received;
        sum.bytes_at_clients += player->to_client.bytes_received;
        sum.lost += flow_missing( &player->to_server, lost_if_sent_before ) + flow_missing( &player->to_client, lost_if_sent_before );
        sum.wrong += player->to_server.wrong + player->to_client.wrong;
    }
    return sum;
}

static double megabytes( uint64_t bytes )
{
    return (double) bytes / 1000000.0;
}

static double average_ms( const struct round_trips_t * trips )
{
    return trips->count ? 1000.0 * trips->total / (double) trips->count : 0.0;
}

static void print_live_head( void )
{
    printf( "  time  clients       to server      to clients     round trip ms    lost wrong\n"
            "     s            packets    MB  packets    MB     avg     max\n" );
    fflush( stdout );
}

/* On a terminal the line is written over again and again, elsewhere there is one line a report. */
static void print_live_line( struct demo_t * demo, double elapsed )
{
    struct totals_t sum = totals( demo, netcode_time() - REPORT_SECONDS );
    printf( "%s%6.1f  %3d/%-3d %9" PRIu64 " %5.1f %8" PRIu64 " %5.1f %7.2f %7.2f %7" PRIu64 " %5" PRIu64 "%s",
            demo->on_terminal ? "\r" : "",
            elapsed, sum.connected, demo->num_players,
            sum.at_server, megabytes( sum.bytes_at_server ),
            sum.at_clients, megabytes( sum.bytes_at_clients ),
            average_ms( &demo->recent ), 1000.0 * demo->recent.longest,
            sum.lost, sum.wrong,
            demo->on_terminal ? "" : "\n" );
    fflush( stdout );
    memset( &demo->recent, 0, sizeof( demo->recent ) );
}

static int check( int ok, const char * complaint )
{
    if ( !ok )
        printf( "FAILED: %s\n", complaint );
    return ok;
}

static void print_summary( const struct demo_t * demo, const struct totals_t * sum )
{
    printf( "to server:  %" PRIu64 " of %" PRIu64 " payloads arrived, %.2f MB\n", sum->at_server, sum->sent_to_server, megabytes( sum->bytes_at_server ) );
    printf( "to clients: %" PRIu64 " of %" PRIu64 " payloads arrived, %.2f MB\n", sum->at_clients, sum->sent_to_clients, megabytes( sum->bytes_at_clients ) );
    printf( "round trip: %.2f ms on average, %.2f ms at most, %" PRIu64 " measured\n",
            average_ms( &demo->overall ), 1000.0 * demo->overall.longest, demo->overall.count );
    printf( "lost %" PRIu64 ", wrong %" PRIu64 "\n", sum->lost, sum->wrong );
}

/* ---- the course of events -------------------------------------------------------------------- */

static int all_connected( const struct demo_t * demo )
{
    int i;
    for ( i = 0; i < demo->num_players; i++ )
    {
        if ( !player_connected( &demo->players[i] ) )
            return 0;
    }
    return 1;
}

/* Runs everything for a while, or, if `until` is given, for as long as that is not yet true. */
static void run( struct demo_t * demo, double seconds, int sending, int reporting, int (*until)( const struct demo_t * ) )
{
    double start = netcode_time(), next_tick = start, next_report = start + REPORT_SECONDS;
    while ( !interrupted() && netcode_time() - start < seconds && !( until && until( demo ) ) )
    {
        int i;
        update_server( demo );
        for ( i = 0; i < demo->num_players; i++ )
            update_player( demo, &demo->players[i], sending );
        if ( reporting && netcode_time() >= next_report )
        {
            print_live_line( demo, netcode_time() - start );
            next_report += REPORT_SECONDS;
        }
        sleep_until_next_tick( &next_tick, TICK_SECONDS );
    }
    if ( reporting && netcode_time() + REPORT_SECONDS / 2 >= next_report )      /* the last one was just missed */
        print_live_line( demo, netcode_time() - start );
}

static int server_is_empty( const struct demo_t * demo )
{
    return netcode_server_num_connected_clients( demo->server ) == 0;
}

static void create_server( struct demo_t * demo )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.protocol_id = DEMO_PROTOCOL_ID;
    memcpy( config.private_key, demo_private_key, NETCODE_KEY_BYTES );
    config.callback_context = demo;
    config.connect_disconnect_callback = on_connect_disconnect;
    demo->server = netcode_server_create( "127.0.0.1:0", &config, netcode_time() );     /* any free port */
    if ( !demo->server )
        fail( server_create_error_name( netcode_server_create_error() ) );
    netcode_server_start( demo->server, demo->num_players );
}

static void create_players( struct demo_t * demo )
{
    struct netcode_client_config_t config;
    char server_address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    int i;
    netcode_default_client_config( &config );
    snprintf( server_address, sizeof( server_address ), "127.0.0.1:%d", netcode_server_get_port( demo->server ) );
    for ( i = 0; i < demo->num_players; i++ )
    {
        struct player_t * player = &demo->players[i];
        uint64_t id = FIRST_CLIENT_ID + (uint64_t) i;
        uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
        flow_begin( &player->to_server, mix64( 2 * id ) );
        flow_begin( &player->to_client, mix64( 2 * id + 1 ) );
        player->client = netcode_client_create( "127.0.0.1:0", &config, netcode_time() );
        if ( !player->client )
            fail( client_create_error_name( netcode_client_create_error() ) );
        if ( demo_connect_token( server_address, server_address, id, connect_token ) != NETCODE_OK )
            fail( "no connect token" );
        netcode_client_connect( player->client, connect_token );
    }
    printf( "server on %s, %d clients, payloads of 1 to %d bytes\n", server_address, demo->num_players, NETCODE_MAX_PACKET_SIZE );
    fflush( stdout );
}

/* Spreads the sends over the interval, as they would be with clients that know nothing of each other. */
static void schedule_first_sends( struct demo_t * demo )
{
    double now = netcode_time();
    int i;
    for ( i = 0; i < demo->num_players; i++ )
        demo->players[i].next_send = now + demo->send_interval * i / demo->num_players;
}

static int connect_everybody( struct demo_t * demo )
{
    double start = netcode_time();
    int i, failed = 0;
    run( demo, CONNECT_SECONDS, 0, 0, all_connected );
    for ( i = 0; i < demo->num_players; i++ )
    {
        if ( demo->players[i].connected_once )
            continue;
        printf( "client %d did not connect: %s\n", i, client_state_name( netcode_client_state( demo->players[i].client ) ) );
        failed++;
    }
    printf( "%d of %d clients connected in %.0f ms\n", demo->num_players - failed, demo->num_players, 1000.0 * ( netcode_time() - start ) );
    return failed == 0;
}

static void disconnect_everybody( struct demo_t * demo )
{
    int i;
    for ( i = 0; i < demo->num_players; i++ )
        netcode_client_disconnect( demo->players[i].client );
    run( demo, DRAIN_SECONDS, 0, 0, server_is_empty );
}

/* Returns 1 if all was well. */
static int play( struct demo_t * demo, double seconds )
{
    struct totals_t sum;
    int ok = 1, i, goodbyes;

    if ( !connect_everybody( demo ) )
        return check( 0, "a client did not connect" );
    print_live_head();
    schedule_first_sends( demo );
    run( demo, seconds, 1, 1, NULL );
    if ( demo->on_terminal )
        printf( "\n" );
    run( demo, DRAIN_SECONDS, 0, 0, NULL );

    sum = totals( demo, netcode_time() + 1.0 );     /* whatever has not arrived by now is lost */
    disconnect_everybody( demo );
    goodbyes = demo->left[NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT];
    print_summary( demo, &sum );
    for ( i = 0; i < 4; i++ )
    {
        if ( demo->left[i] )
            printf( "%d clients: %s\n", demo->left[i], disconnect_reason_name( i ) );
    }

    ok &= check( sum.wrong == 0, "payloads were wrong" );
    ok &= check( sum.at_server > 0 && sum.at_clients > 0, "nothing came through" );
    ok &= check( sum.connected == demo->num_players, "a client lost its connection" );
    ok &= check( interrupted() || goodbyes == demo->num_players, "the server missed a goodbye" );
    return ok;
}

int main( int argc, char ** argv )
{
    static struct demo_t demo;
    int log_level = NETCODE_LOG_LEVEL_ERROR, i, ok;
    double seconds = 5.0, rate = 60.0;
    const struct option_t options[] =
    {
        { "--clients", OPTION_INTEGER, &demo.num_players, 1, NETCODE_MAX_CLIENTS, "number of clients (8)" },
        { "--seconds", OPTION_NUMBER,  &seconds,          0.1, 1e6, "how long to send (5)" },
        { "--rate",    OPTION_NUMBER,  &rate,             0.1, 1000, "payloads that each client sends a second (60)" },
        { "--log",     OPTION_INTEGER, &log_level,        0, 3, "netcode's own messages: 0 none, 1 errors, 2 events, 3 every packet (1)" }
    };

    demo.num_players = 8;
    options_parse( argc, argv, "server and clients over UDP on loopback, checking every payload", options, OPTION_COUNT( options ) );
    demo.send_interval = 1.0 / rate;
    demo.on_terminal = stdout_is_terminal();
    demo.players = (struct player_t *) allocate_zeroed( (size_t) demo.num_players, sizeof( struct player_t ) );
    library_begin( log_level );
    catch_interrupts();

    create_server( &demo );
    create_players( &demo );
    ok = play( &demo, seconds );

    for ( i = 0; i < demo.num_players; i++ )
        netcode_client_destroy( demo.players[i].client );
    netcode_server_stop( demo.server );
    netcode_server_destroy( demo.server );
    netcode_term();
    free( demo.players );
    printf( "%s\n", ok ? "all well" : "something went wrong" );
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
