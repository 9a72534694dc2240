/*
 * Session keys do not outlive their session: when a connection or a handshake is over, no memory that the
 * library got from its allocator holds the keys of the token, nor does memory that it then gives back.
 */
#include "net.h"
#include "hooks.h"

#define MAX_KEYS 16
#define OTHER_CLIENT "10.0.1.2:50000"

/* Where the keys stand in a token for one IPv4 address. */
#define TOKEN_KEYS ( NET_TOKEN_ADDRESSES + 1 + 4 + 2 )

/* An allocator that can say whether keys lie in its blocks, and whether they did in those freed while it watched. */

struct vault
{
    struct hooks hooks;
    uint8_t keys[MAX_KEYS][NETCODE_KEY_BYTES];
    int num_keys;
    int watching;
    int freed_with_key;
};

static int contains( const uint8_t * data, size_t bytes, const uint8_t * key )
{
    size_t i;
    for ( i = 0; i + NETCODE_KEY_BYTES <= bytes; i++ )
    {
        if ( data[i] == key[0] && memcmp( data + i, key, NETCODE_KEY_BYTES ) == 0 )
            return 1;
    }
    return 0;
}

static void * vault_allocate( void * context, size_t bytes )
{
    return hooks_allocate( &( (struct vault *) context )->hooks, bytes );
}

static void vault_free( void * context, void * pointer )
{
    struct vault * vault = (struct vault *) context;
    size_t bytes = hooks_extent( &vault->hooks, pointer );
    int i;
    for ( i = 0; vault->watching && i < vault->num_keys; i++ )
        vault->freed_with_key += contains( (const uint8_t *) pointer, bytes, vault->keys[i] );
    hooks_free( &vault->hooks, pointer );
}

static void vault_know( struct vault * vault, const uint8_t * token )
{
    REQUIRE( vault->num_keys + 2 <= MAX_KEYS );
    memcpy( vault->keys[vault->num_keys++], token + TOKEN_KEYS, NETCODE_KEY_BYTES );
    memcpy( vault->keys[vault->num_keys++], token + TOKEN_KEYS + NETCODE_KEY_BYTES, NETCODE_KEY_BYTES );
}

/* How many live blocks hold one of this token's two keys. */
static int vault_holds( const struct vault * vault, const uint8_t * token )
{
    const struct hooks_block * block;
    int found = 0;
    for ( block = vault->hooks.first; block; block = block->next )
    {
        const uint8_t * data = (const uint8_t *) block + sizeof( *block );
        found += contains( data, block->bytes, token + TOKEN_KEYS ) || contains( data, block->bytes, token + TOKEN_KEYS + NETCODE_KEY_BYTES );
    }
    return found;
}

/* A server and two clients, each with a vault of its own; nobody connected. */

struct scene
{
    struct net * net;
    struct vault server_vault, vaults[2];
    struct net_endpoint * server, * clients[2];
    uint8_t tokens[2][NETCODE_CONNECT_TOKEN_BYTES];
};

static void scene_know( struct scene * scene, const uint8_t * token )
{
    vault_know( &scene->server_vault, token );
    vault_know( &scene->vaults[0], token );
    vault_know( &scene->vaults[1], token );
}

static void scene_open( struct scene * scene )
{
    struct netcode_server_config_t server_config;
    static const char * addresses[2] = { NET_CLIENT, OTHER_CLIENT };
    int i;
    memset( scene, 0, sizeof( *scene ) );
    scene->net = net_create();
    hooks_begin( &scene->server_vault.hooks );
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    server_config.allocator_context = &scene->server_vault;
    server_config.allocate_function = vault_allocate;
    server_config.free_function = vault_free;
    scene->server = net_server_with( scene->net, NET_SERVER, 4, server_config );
    for ( i = 0; i < 2; i++ )
    {
        struct netcode_client_config_t config;
        hooks_begin( &scene->vaults[i].hooks );
        netcode_default_client_config( &config );
        config.allocator_context = &scene->vaults[i];
        config.allocate_function = vault_allocate;
        config.free_function = vault_free;
        scene->clients[i] = net_client_with( scene->net, addresses[i], config );
        net_token_for( scene->server, scene->tokens[i], NET_TIMEOUT, 1000 + (uint64_t) i );
        scene_know( scene, scene->tokens[i] );
    }
}

/* Payloads both ways, so that every buffer has been used. */
static void scene_talk( struct scene * scene )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    int i;
    net_fill( payload, (int) sizeof( payload ), 1 );
    for ( i = 0; i < 2; i++ )
    {
        netcode_server_send_packet( scene->server->server, i, payload, (int) sizeof( payload ) );
        netcode_client_send_packet( scene->clients[i]->client, payload, (int) sizeof( payload ) );
    }
    net_step( scene->net, NET_TICK );
}

static void scene_open_connected( struct scene * scene )
{
    int i;
    scene_open( scene );
    for ( i = 0; i < 2; i++ )
        CHECK( net_connect_with( scene->clients[i], scene->tokens[i] ) );
    net_settle( scene->net );
    scene_talk( scene );
    /* keys can be found while they are in use, or the tests would prove nothing */
    for ( i = 0; i < 2; i++ )
    {
        CHECK( vault_holds( &scene->server_vault, scene->tokens[i] ) > 0 );
        CHECK( vault_holds( &scene->vaults[i], scene->tokens[i] ) > 0 );
    }
}

static void scene_watch( struct scene * scene )
{
    scene->server_vault.watching = scene->vaults[0].watching = scene->vaults[1].watching = 1;
}

static void scene_close( struct scene * scene )
{
    int i;
    scene_watch( scene );
    net_destroy( scene->net );
    CHECK_EQUAL( scene->server_vault.freed_with_key, 0 );
    hooks_end( &scene->server_vault.hooks );
    for ( i = 0; i < 2; i++ )
    {
        CHECK_EQUAL( scene->vaults[i].freed_with_key, 0 );
        hooks_end( &scene->vaults[i].hooks );
    }
}

static void keys_are_gone_when_the_server_disconnects_a_client( void )
{
    struct scene scene;
    scene_open_connected( &scene );
    netcode_server_disconnect_client( scene.server->server, 0 );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    net_update( scene.clients[0], scene.net->time );
    CHECK_EQUAL( net_state( scene.clients[0] ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );

    /* the other is still there, and leaves the same way */
    CHECK( vault_holds( &scene.server_vault, scene.tokens[1] ) > 0 );
    netcode_server_disconnect_all_clients( scene.server->server );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[1] ), 0 );
    net_update( scene.clients[1], scene.net->time );
    CHECK_EQUAL( vault_holds( &scene.vaults[1], scene.tokens[1] ), 0 );
    scene_close( &scene );
}

static void keys_are_gone_when_a_client_disconnects( void )
{
    struct scene scene;
    scene_open_connected( &scene );
    netcode_client_disconnect( scene.clients[0]->client );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );
    net_update( scene.server, scene.net->time );
    CHECK_EQUAL( netcode_server_num_connected_clients( scene.server->server ), 1 );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    CHECK( vault_holds( &scene.server_vault, scene.tokens[1] ) > 0 );
    scene_close( &scene );
}

static void keys_are_gone_when_a_connection_times_out( void )
{
    struct scene scene;
    int i;
    scene_open_connected( &scene );
    for ( i = 0; i < 2; i++ )
        scene.clients[i]->drop = NET_ALL;
    scene.server->drop = NET_ALL;
    net_steps( scene.net, 2 * NET_TIMEOUT, 1.0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( scene.server->server ), 0 );
    for ( i = 0; i < 2; i++ )
    {
        CHECK_EQUAL( net_state( scene.clients[i] ), NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
        CHECK_EQUAL( vault_holds( &scene.vaults[i], scene.tokens[i] ), 0 );
        CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[i] ), 0 );
    }
    scene_close( &scene );
}

static void keys_are_gone_when_the_server_stops( void )
{
    struct scene scene;
    int i;
    scene_open_connected( &scene );
    scene.server_vault.watching = 1;
    netcode_server_stop( scene.server->server );
    CHECK_EQUAL( scene.server_vault.freed_with_key, 0 );
    for ( i = 0; i < 2; i++ )
        CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[i] ), 0 );
    scene_close( &scene );
}

static void keys_are_gone_from_what_a_destroyed_server_frees( void )
{
    struct scene scene;
    scene_open_connected( &scene );
    scene.server_vault.watching = 1;
    net_destroy_endpoint( scene.server );
    CHECK_EQUAL( scene.server_vault.freed_with_key, 0 );
    hooks_end( &scene.server_vault.hooks );
    scene_close( &scene );
}

static void keys_are_gone_from_what_a_destroyed_client_frees( void )
{
    struct scene scene;
    int i;
    scene_open_connected( &scene );
    for ( i = 0; i < 2; i++ )
    {
        scene.vaults[i].watching = 1;
        net_destroy_endpoint( scene.clients[i] );
        CHECK_EQUAL( scene.vaults[i].freed_with_key, 0 );
        hooks_end( &scene.vaults[i].hooks );
    }
    scene_close( &scene );
}

/* A handshake that stops where packets of these types of that side are lost. */
static void check_handshake_times_out( int client_drop, int server_drop, int state )
{
    struct scene scene;
    scene_open( &scene );
    scene.clients[0]->drop = client_drop;
    scene.server->drop = server_drop;
    netcode_client_connect( scene.clients[0]->client, scene.tokens[0] );
    net_step( scene.net, NET_TICK );
    net_step( scene.net, NET_TICK );
    CHECK( vault_holds( &scene.server_vault, scene.tokens[0] ) > 0 );
    CHECK( vault_holds( &scene.vaults[0], scene.tokens[0] ) > 0 );

    /* from now on silence: the timeout, then a second of updates */
    scene.clients[0]->drop = NET_ALL;
    net_steps( scene.net, (int) ( ( NET_TIMEOUT + 1.0 ) / NET_TICK ) + 2, NET_TICK );
    CHECK_EQUAL( net_state( scene.clients[0] ), state );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    CHECK_EQUAL( netcode_server_running( scene.server->server ), 1 );
    scene_close( &scene );
}

static void keys_are_gone_when_a_handshake_times_out( void )
{
    check_handshake_times_out( 0, NET_ALL, NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    check_handshake_times_out( 1 << NET_RESPONSE, 0, NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT );
}

static void keys_of_a_pending_handshake_are_gone_when_the_server_stops( void )
{
    struct scene scene;
    scene_open( &scene );
    scene.server->drop = NET_ALL;
    netcode_client_connect( scene.clients[0]->client, scene.tokens[0] );
    net_step( scene.net, NET_TICK );
    CHECK( vault_holds( &scene.server_vault, scene.tokens[0] ) > 0 );
    scene.server_vault.watching = 1;
    netcode_server_stop( scene.server->server );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    CHECK_EQUAL( scene.server_vault.freed_with_key, 0 );
    scene_close( &scene );
}

static void keys_are_gone_when_a_client_connects_with_another_token( void )
{
    struct scene scene;
    uint8_t next[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open_connected( &scene );
    net_token_for( scene.server, next, NET_TIMEOUT, 2000 );
    scene_know( &scene, next );
    netcode_client_connect( scene.clients[0]->client, next );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );
    CHECK( net_run_until( scene.clients[0], NETCODE_CLIENT_STATE_CONNECTED ) );
    net_settle( scene.net );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    CHECK( vault_holds( &scene.server_vault, next ) > 0 );
    CHECK( vault_holds( &scene.server_vault, scene.tokens[1] ) > 0 );
    scene_close( &scene );
}

static void keys_are_gone_when_a_token_takes_the_place_of_a_pending_one( void )
{
    struct scene scene;
    uint8_t next[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open( &scene );
    scene.server->drop = NET_ALL;
    netcode_client_connect( scene.clients[0]->client, scene.tokens[0] );
    net_step( scene.net, NET_TICK );
    CHECK( vault_holds( &scene.server_vault, scene.tokens[0] ) > 0 );
    net_token_for( scene.server, next, NET_TIMEOUT, 2000 );
    scene_know( &scene, next );
    netcode_client_connect( scene.clients[0]->client, next );
    CHECK_EQUAL( vault_holds( &scene.vaults[0], scene.tokens[0] ), 0 );
    net_step( scene.net, NET_TICK );
    CHECK( vault_holds( &scene.server_vault, next ) > 0 );
    CHECK_EQUAL( vault_holds( &scene.server_vault, scene.tokens[0] ), 0 );
    scene_close( &scene );
}

/* AddressSanitizer makes the library's frames several times as large, and keeps more in them. */
#if defined( __SANITIZE_ADDRESS__ )
#define SANITIZED
#elif defined( __has_feature )
#if __has_feature( address_sanitizer )
#define SANITIZED
#endif
#endif

#ifndef SANITIZED

/*
 * What the functions that have returned left on the stack, as far down as room reaches. Nothing has been written to
 * room, which is what it is for; volatile keeps the compiler from making use of that.
 */

#if defined( __GNUC__ )
__attribute__( ( noinline ) )
#endif
static int stack_holds( const uint8_t * key )
{
    volatile uint8_t room[12 * 1024];
    const uint8_t * data = (const uint8_t *) room;
    room[0] = 0;
    return contains( data, sizeof( room ), key );
}

static void connecting_leaves_no_keys_on_the_stack( void )
{
    struct scene scene;
    scene_open( &scene );
    netcode_client_connect( scene.clients[0]->client, scene.tokens[0] );
    CHECK( !stack_holds( scene.tokens[0] + TOKEN_KEYS ) );
    CHECK( !stack_holds( scene.tokens[0] + TOKEN_KEYS + NETCODE_KEY_BYTES ) );
    CHECK( vault_holds( &scene.vaults[0], scene.tokens[0] ) > 0 );
    scene_close( &scene );
}

static void creating_a_server_leaves_no_private_key_on_the_stack( void )
{
    static struct netcode_server_config_t config;
    struct net * net = net_create();
    struct netcode_server_t * server;
    netcode_default_server_config( &config );
    net_server_config( net_endpoint( net, NET_SERVER ), &config );
    server = netcode_server_create( NET_SERVER, &config, net->time );
    CHECK( !stack_holds( config.private_key ) );
    REQUIRE( server != NULL );
    netcode_server_destroy( server );
    CHECK( !stack_holds( config.private_key ) );
    net_destroy( net );
}

#endif

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( keys_are_gone_when_the_server_disconnects_a_client );
    TEST( keys_are_gone_when_a_client_disconnects );
    TEST( keys_are_gone_when_a_connection_times_out );
    TEST( keys_are_gone_when_the_server_stops );
    TEST( keys_are_gone_from_what_a_destroyed_server_frees );
    TEST( keys_are_gone_from_what_a_destroyed_client_frees );
    TEST( keys_are_gone_when_a_handshake_times_out );
    TEST( keys_of_a_pending_handshake_are_gone_when_the_server_stops );
    TEST( keys_are_gone_when_a_client_connects_with_another_token );
    TEST( keys_are_gone_when_a_token_takes_the_place_of_a_pending_one );
#ifndef SANITIZED
    TEST( connecting_leaves_no_keys_on_the_stack );
    TEST( creating_a_server_leaves_no_private_key_on_the_stack );
#endif
    return tests_done();
}
