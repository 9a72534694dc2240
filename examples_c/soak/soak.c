/*
 * Many clients and servers that come and go at random, over a network that loses and doubles packets and
 * has an attacker in it, while every payload is checked and every ending has to have its reason. Which
 * actions are taken follows from the seed alone, so a bad run repeats.
 *
 * With the network simulator, the default, time is virtual: an hour takes about a minute. With --sockets
 * it is real UDP on loopback, at ten times the speed of a clock. With both, they take turns.
 *
 * The world is torn down after every epoch, and memory and descriptors have to be back where they were.
 *
 * Exits with 0 if there was no violation. Ctrl-C ends it early, with the summary.
 *
 *     soak --hours 8
 *     soak --seconds 600 --seed 7
 *     soak --sockets --real-seconds 60
 */
#include "soak.h"

#define DRAIN_SECONDS ( DEMO_TIMEOUT_SECONDS + 5.0 )
#define NETWORK_CHANGE_SECONDS 5.0
#define LONGEST_BLACKOUT_TICKS 420
#define REPORT_SECONDS 5.0
#define EPOCH_SECONDS 120.0
#define SHORTEST_EPOCH_SECONDS 5.0
#define SPEED 10.0
#define MODES 2                         /* simulator, sockets */

struct world_t world;

struct run_t
{
    double seconds, hours, real_seconds, epoch_seconds, speed;
    int sockets, simulator, heap_may_grow;
    double began;
    double next_report;
    int epochs;
    int most_descriptors;
};

static struct run_t run;

static int run_is_over( void )
{
    if ( interrupted() || world.violations > 0 )
        return 1;
    if ( run.real_seconds > 0.0 && netcode_time() - run.began >= run.real_seconds )
        return 1;
    return run.seconds > 0.0 && world.time >= run.seconds;
}

/* ---- a tick ---------------------------------------------------------------------------------- */

static void change_network( void )
{
    uint64_t dice = throw_dice( ACTOR_NETWORK );
    uint64_t every = (uint64_t) ( NETWORK_CHANGE_SECONDS / TICK_SECONDS );
    if ( world.acting && once_in( dice, 64, 6000 ) )
    {
        world.blackout_until = world.time + TICK_SECONDS * ( 1 + pick( dice, 65, LONGEST_BLACKOUT_TICKS ) );
        world.statistics.blackouts++;
    }
    if ( world.tick % every == 0 )
    {
        world.simulator->latency_milliseconds = (float) pick( dice, 60, 151 );
        world.simulator->jitter_milliseconds = (float) pick( dice, 61, 51 );
        world.simulator->duplicate_packet_percent = (float) pick( dice, 63, 11 );
    }
    world.simulator->packet_loss_percent = frozen( world.blackout_until ) ? 100.0f : (float) ( mix64( world.seed + world.tick / every ) % 11 );
}

static void tick( void )
{
    int i;
    wall_set( world.time );
    change_network();
    for ( i = 0; world.acting && i < world.num_servers; i++ )
        server_acts( &world.servers[i] );
    for ( i = 0; world.acting && i < world.num_clients; i++ )
        client_acts( &world.clients[i] );
    note_obstacles();
    flood_tick();
    wire_tick();
    for ( i = 0; i < world.num_servers; i++ )
        server_update( &world.servers[i] );
    for ( i = 0; i < world.num_clients; i++ )
        client_update( &world.clients[i] );
    if ( world.tick % 16 == 0 )
        close_old_sessions( SESSION_MEMORY_SECONDS );
    world.statistics.ticks++;
    world.tick++;
    world.time += TICK_SECONDS;
}

/*
 * With sockets a tick takes its time, if not as much as the world believes: on loopback a packet has
 * arrived when it has been sent. The world's clock counts ticks, not seconds, and a machine that was
 * suspended for a while does not look like a dead connection.
 */
static void wait_for_next_tick( double * next_tick )
{
    if ( world.use_sockets )
        sleep_until_next_tick( next_tick, TICK_SECONDS / run.speed );
}

/* ---- reports --------------------------------------------------------------------------------- */

static uint64_t sum_of( const uint64_t * numbers, int count )
{
    uint64_t sum = 0;
    int i;
    for ( i = 0; i < count; i++ )
        sum += numbers[i];
    return sum;
}

static uint64_t payloads_checked_so_far( void )
{
    uint64_t sum = world.statistics.checked;
    int i;
    for ( i = 0; i < world.num_sessions; i++ )
    {
        if ( world.sessions[i].in_use )
            sum += world.sessions[i].parcel->to_server.received + world.sessions[i].parcel->to_client.received;
    }
    return sum;
}

static void print_progress( void )
{
    int i, running = 0, connected = 0;
    if ( netcode_time() - run.began < run.next_report )
        return;
    run.next_report = netcode_time() - run.began + REPORT_SECONDS;
    for ( i = 0; i < world.num_servers; i++ )
        running += netcode_server_running( world.servers[i].server );
    for ( i = 0; i < world.num_clients; i++ )
        connected += netcode_client_state( world.clients[i].client ) == NETCODE_CLIENT_STATE_CONNECTED;
    printf( "%8.0f s  epoch %d (%s)  servers %d/%d  clients %d/%d  handshakes %" PRIu64 "  payloads %" PRIu64 "  attacks %" PRIu64
            "  violations %" PRIu64 "  memory %.1f MB  resident %.1f MB\n",
            world.time, run.epochs + 1, world.use_sockets ? "UDP" : "simulator", running, world.num_servers, connected, world.num_clients,
            world.statistics.client_connects, payloads_checked_so_far(), world.statistics.flood_packets, world.violations,
            (double) world.memory.bytes / 1e6, (double) resident_bytes() / 1e6 );
    fflush( stdout );
}

static void print_sessions( void )
{
    const struct statistics_t * statistics = &world.statistics;
    int kind, end;
    printf( "sessions by kind of token, and how the client ended them:\n%16s%8s", "", "opened" );
    for ( end = 0; end < NUM_CLIENT_ENDS; end++ )
    {
        static const char * const short_names[NUM_CLIENT_ENDS] = { "expired", "invalid", "lost", "response", "request", "denied", "left" };
        printf( "%10s", short_names[end] );
    }
    printf( "\n" );
    for ( kind = 0; kind < TOKEN_KINDS; kind++ )
    {
        printf( "%16s%8" PRIu64, token_kind_names[kind], statistics->opened[kind] );
        for ( end = 0; end < NUM_CLIENT_ENDS; end++ )
            printf( "%10" PRIu64, statistics->ended[kind][end] );
        printf( "\n" );
    }
    printf( "used tokens tried again %" PRIu64 ", unused ones %" PRIu64 "\n", statistics->used_again, statistics->retried );
    printf( "clients connected %" PRIu64 ", servers admitted %" PRIu64 ": %" PRIu64 " timed out, %" PRIu64 " left, %" PRIu64 " were sent away\n",
            statistics->client_connects, statistics->server_connects, statistics->left[1], statistics->left[2], statistics->left[3] );
}

static void print_summary( void )
{
    const struct statistics_t * statistics = &world.statistics;
    int i;
    printf( "\n" );
    print_sessions();
    printf( "server starts %" PRIu64 ", recreated: %" PRIu64 " servers, %" PRIu64 " clients; freezes %" PRIu64 ", blackouts %" PRIu64 "\n",
            statistics->server_starts, statistics->servers_recreated, statistics->clients_recreated, statistics->freezes, statistics->blackouts );
    printf( "payloads sent %" PRIu64 ", checked %" PRIu64 " (%.1f MB), lost %" PRIu64 ", wrong %" PRIu64 "\n",
            statistics->sent, statistics->checked, (double) statistics->bytes / 1e6, statistics->sent - statistics->checked, statistics->wrong );
    printf( "attacks: %" PRIu64 " packets (%.1f MB) of %" PRIu64 " captured\n", statistics->flood_packets, (double) statistics->flood_bytes / 1e6, statistics->captured );
    for ( i = 0; i < FLOOD_KINDS; i++ )
        printf( "%14" PRIu64 "  %s\n", statistics->floods[i], flood_kind_names[i] );
    printf( "ignored by the library, in epochs with a log:\n" );
    print_ignored();
    printf( "allocations %" PRIu64 ", at most %.1f MB, not freed: %" PRId64 " blocks; descriptors at most %d; resident %.1f MB\n",
            world.memory.allocations, (double) world.memory.most_bytes / 1e6, world.memory.blocks, run.most_descriptors, (double) resident_bytes() / 1e6 );
    if ( world.wall_is_ours && !run.sockets )
        printf( "course of events %016" PRIx64 "\n", world.course );
    printf( "seed %" PRIu64 ": %d epochs, %.0f s of the world in %.1f s\n", world.seed, run.epochs, world.time, netcode_time() - run.began );
}

/* ---- an epoch -------------------------------------------------------------------------------- */

static void create_world( void )
{
    int i;
    world.blackout_until = 0.0;
    wire_create();
    for ( i = 0; i < world.num_servers; i++ )
    {
        struct soak_server_t * server = &world.servers[i];
        server->number = i;
        server->last_full = -1.0;
        server->frozen_until = 0.0;
        server_create( server );
        server_start( server, throw_dice( ACTOR_SERVER( i ) ) );
    }
    for ( i = 0; i < world.num_clients; i++ )
    {
        world.clients[i].number = i;
        world.clients[i].frozen_until = 0.0;
        client_create( &world.clients[i] );
    }
}

static void churn( double seconds )
{
    double next_tick = netcode_time(), end = world.time + seconds;
    world.acting = 1;
    while ( !run_is_over() && world.time < end )
    {
        int descriptors = world.tick % 60 == 0 ? count_descriptors() : 0;
        if ( descriptors > run.most_descriptors )
            run.most_descriptors = descriptors;
        tick();
        print_progress();
        wait_for_next_tick( &next_tick );
    }
}

static int num_busy( void )
{
    int i, sum = 0;
    for ( i = 0; i < world.num_servers; i++ )
        sum += world.servers[i].occupied;
    for ( i = 0; i < world.num_clients; i++ )
        sum += world.clients[i].session != NULL;
    return sum;
}

/* Everybody leaves, and the servers have to notice: by the goodbye, or by the silence. */
static void drain( void )
{
    double next_tick = netcode_time(), began;
    int i;
    world.acting = 0;
    world.blackout_until = 0.0;
    for ( i = 0; i < world.num_servers; i++ )
        world.servers[i].frozen_until = 0.0;
    for ( i = 0; i < world.num_clients; i++ )
    {
        world.clients[i].frozen_until = 0.0;
        if ( !client_must_stay( &world.clients[i] ) )
            client_disconnect( &world.clients[i] );
    }
    for ( began = world.time; world.time < began + STRAGGLER_SECONDS || ( world.time < began + DRAIN_SECONDS && num_busy() > 0 ); )
    {
        tick();
        wait_for_next_tick( &next_tick );
    }
    for ( i = 0; i < world.num_clients && num_busy() > 0; i++ )
    {
        if ( world.clients[i].session )
            violation( &world.clients[i], "client %d still has a session after everybody left", i );
    }
    if ( num_busy() > 0 )
        violation( NULL, "%d are still there after everybody left", num_busy() );
}

static void destroy_world( void )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
        client_destroy( &world.clients[i] );
    for ( i = 0; i < world.num_servers; i++ )
        server_destroy( &world.servers[i] );
    wire_destroy();
    close_old_sessions( 0.0 );
}

/* ---- what has to be flat --------------------------------------------------------------------- */

/*
 * The first epochs of a mode warm up: buffers of the C library, pages that stay. After that the heap is
 * to come back to the same size, but for what the C library may keep, and the most memory in use is not
 * to creep. What the hooks have given must come back to the last byte each time.
 */
#define WARM_UP_EPOCHS 2
#define HEAP_CRUMBS 8192
#define RESIDENT_SLACK ( INT64_C( 16 ) << 20 )
#define MOST_SLACK ( INT64_C( 1 ) << 20 )

struct level_t
{
    int epochs;
    int64_t most, heap, resident;
};

static struct level_t levels[MODES];
static int first_descriptors;

static void check_level( int64_t * level, int64_t now, int64_t slack, int warm, const char * what )
{
    if ( warm && now > *level + slack )
        violation( NULL, "%s creeps: %" PRId64 " bytes after epoch %d, %" PRId64 " after the first ones", what, now, run.epochs, *level );
    if ( !warm && now > *level )
        *level = now;
}

static void check_flatness( void )
{
    struct level_t * level = &levels[world.use_sockets];
    int warm = level->epochs++ >= WARM_UP_EPOCHS;
    int descriptors = count_descriptors();
    if ( descriptors != first_descriptors )
        violation( NULL, "%d descriptors are open after epoch %d, %d were before the first", descriptors, run.epochs, first_descriptors );
    if ( world.memory.blocks != 0 || world.memory.bytes != 0 )
        violation( NULL, "epoch %d left %" PRId64 " blocks, %" PRId64 " bytes", run.epochs, world.memory.blocks, world.memory.bytes );
    check_level( &level->most, world.memory.most_bytes, MOST_SLACK + level->most / 2, warm, "the most memory from the hooks" );
    if ( run.heap_may_grow )
        return;
    check_level( &level->heap, heap_bytes(), HEAP_CRUMBS, warm, "the heap" );
    check_level( &level->resident, resident_bytes(), RESIDENT_SLACK, warm, "resident memory" );
}

/* ---- the course of events -------------------------------------------------------------------- */

static double epoch_seconds( void )
{
    double seconds = run.sockets && run.real_seconds > 0.0 ? run.real_seconds * run.speed : run.seconds;
    double fair = seconds > 0.0 ? seconds / ( 2.0 * WARM_UP_EPOCHS * MODES ) : EPOCH_SECONDS;
    if ( run.epoch_seconds > 0.0 )
        return run.epoch_seconds;
    return fair > EPOCH_SECONDS ? EPOCH_SECONDS : fair < SHORTEST_EPOCH_SECONDS ? SHORTEST_EPOCH_SECONDS : fair;
}

/* Every fourth epoch of the simulator has a log, which is read and counted. */
static void epoch( void )
{
    int64_t most = world.memory.most_bytes;
    world.use_sockets = run.sockets && ( !run.simulator || run.epochs % 2 == 1 );
    world.memory.most_bytes = 0;
    library_begin( run.epochs % 4 == 0 && !world.use_sockets ? NETCODE_LOG_LEVEL_DEBUG : NETCODE_LOG_LEVEL_NONE );
    create_world();
    churn( epoch_seconds() );
    drain();
    destroy_world();
    netcode_term();
    run.epochs++;
    check_flatness();
    if ( most > world.memory.most_bytes )
        world.memory.most_bytes = most;
}

/* What has to be true when it is all over. */
static void check_the_books( void )
{
    const struct statistics_t * statistics = &world.statistics;
    uint64_t ended = 0, opened = sum_of( statistics->opened, TOKEN_KINDS ) + statistics->used_again + statistics->retried;
    int kind;
    for ( kind = 0; kind < TOKEN_KINDS; kind++ )
        ended += sum_of( statistics->ended[kind], NUM_CLIENT_ENDS );
    if ( opened != ended )
        violation( NULL, "clients began %" PRIu64 " sessions and ended %" PRIu64, opened, ended );
    if ( statistics->server_connects != sum_of( statistics->left, 4 ) || statistics->left[0] != 0 )
        violation( NULL, "servers admitted and ended different numbers of sessions, or ended some for no reason" );
    if ( !interrupted() && ( statistics->client_connects == 0 || 2 * statistics->checked < statistics->sent ) )
        violation( NULL, "little came through" );
}

static void read_options( int argc, char ** argv )
{
    const struct option_t options[] =
    {
        { "--seconds",      OPTION_NUMBER,  &run.seconds,       1, 1e9, "how long, by the world's clock (600)" },
        { "--real-seconds", OPTION_NUMBER,  &run.real_seconds,  1, 1e9, "how long, by yours" },
        { "--hours",        OPTION_NUMBER,  &run.hours,         0, 1e6, "the same in hours" },
        { "--seed",         OPTION_SEED,    &world.seed,        0, 0, "what to do follows from it (1)" },
        { "--clients",      OPTION_INTEGER, &world.num_clients, 1, MAX_CLIENTS, "number of clients (32)" },
        { "--servers",      OPTION_INTEGER, &world.num_servers, 1, MAX_SERVERS, "number of servers (4)" },
        { "--simulator",    OPTION_FLAG,    &run.simulator,     0, 0, "the network simulator, as fast as it goes (the default)" },
        { "--sockets",      OPTION_FLAG,    &run.sockets,       0, 0, "real UDP on loopback; with --simulator: by turns" },
        { "--speed",        OPTION_NUMBER,  &run.speed,         1, 1000, "by how much the world's clock goes faster with --sockets (10)" },
        { "--ipv6",         OPTION_FLAG,    &world.use_ipv6,    0, 0, "IPv6 addresses" },
        { "--epoch",        OPTION_NUMBER,  &run.epoch_seconds, 1, 1e9, "after how long everything is torn down, by the world's clock (120)" },
        { "--heap-may-grow", OPTION_FLAG,   &run.heap_may_grow, 0, 0, "the library keeps a ledger of nonces, or a tool watches the heap" }
    };
    world.seed = 1;
    world.num_clients = 32;
    world.num_servers = 4;
    run.speed = SPEED;
    options_parse( argc, argv, "random churn under attack, with every payload checked and every ending explained", options, OPTION_COUNT( options ) );
    if ( run.hours > 0.0 )
        run.real_seconds = run.hours * 3600.0;
    if ( run.seconds == 0.0 && run.real_seconds == 0.0 )
        run.seconds = 600.0;
}

int main( int argc, char ** argv )
{
    read_options( argc, argv );
    catch_interrupts();
    netcode_set_assert_function( on_assert );
    netcode_set_printf_function( on_log );
    run.began = netcode_time();
    world.num_sessions = SESSIONS_PER_CLIENT * world.num_clients;
    world.sessions = (struct session_t *) allocate_zeroed( (size_t) world.num_sessions, sizeof( struct session_t ) );
    wall_begin();
    first_descriptors = count_descriptors();
    printf( "seed %" PRIu64 ", %d clients, %d servers, %s%s%s\n", world.seed, world.num_clients, world.num_servers,
            !run.sockets || run.simulator ? "network simulator" : "", run.sockets && run.simulator ? " and " : "", run.sockets ? "UDP" : "" );
    fflush( stdout );

    while ( !run_is_over() )
        epoch();
    free( world.sessions );
    check_the_books();

    print_summary();
    printf( "violations: %" PRIu64 "%s\n", world.violations, world.violations ? "" : ", all well" );
    return world.violations ? EXIT_FAILURE : EXIT_SUCCESS;
}
