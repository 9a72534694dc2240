/*
 * Connect tokens in wrong hands: shown again from their owner's address and from others, at every time of the
 * owner's session; by those who saw the request go by, and by those who have the token and its keys.
 */
#include "attack.h"

#define HISTORY 2048
#define SPOOFED 64
#define SILENCE -1

/* Shows a token from where it belongs and from everywhere else; the answers that came. */

struct answers
{
    int owner, others;                  /* others: how many of them got one */
};

static struct answers answers_to( struct net_endpoint * server, const uint8_t * token, struct netcode_address_t owner )
{
    struct answers answers = { 0, 0 };
    struct netcode_address_t source;
    int i;
    for ( i = 0; i < SPOOFED; i++ )
    {
        source = spoofed_source( i );
        answers.others += answer_to( server, token, &source ) != SILENCE;
    }
    source = owner;                     /* the same host behind another port */
    source.port++;
    answers.others += answer_to( server, token, &source ) != SILENCE;
    answers.owner = answer_to( server, token, &owner );
    return answers;
}

#define CHECK_ANSWERS( server, token, source, expected_owner ) \
    do { \
        struct answers answers_ = answers_to( server, token, source ); \
        CHECK_EQUAL( answers_.owner, expected_owner ); \
        CHECK_EQUAL( answers_.others, 0 ); \
    } while ( 0 )

enum ending { LEAVES, IS_SENT_AWAY, FALLS_SILENT, ENDINGS };

static void end_session( struct net_endpoint * server, struct net_endpoint * client, enum ending ending )
{
    if ( ending == LEAVES )
        netcode_client_disconnect( client->client );
    if ( ending == IS_SENT_AWAY )
        netcode_server_disconnect_client( server->server, 0 );
    if ( ending == FALLS_SILENT )
        net_update( server, server->net->time + NET_TIMEOUT + 1 );
    net_step( server->net, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
}

static void a_token_opens_nothing_but_its_owners_session( void )
{
    uint8_t tokens[ENDINGS][NETCODE_CONNECT_TOKEN_BYTES], response[NET_DATAGRAM_BYTES];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 2 ), * clients[ENDINGS];
    struct netcode_address_t stranger = net_address( STRANGER );
    char text[64];
    int ending, bytes;
    for ( ending = 0; ending < ENDINGS; ending++ )
    {
        uint8_t * token = tokens[ending];
        clients[ending] = net_client( net, net_client_address( ending, text, sizeof( text ) ) );
        /* as short as tokens may be here, so that those of before a restart are told from those after it */
        net_token_to( net, token, NET_SERVER, NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME, NET_TIMEOUT, 1000 + (uint64_t) ending );

        /* while the owner asks and answers */
        CHECK_EQUAL( answer_to( server, token, &clients[ending]->address ), NET_CHALLENGE );
        CHECK_ANSWERS( server, token, clients[ending]->address, NET_CHALLENGE );
        bytes = response_to_the_last( server, token, response );
        net_process( server, &stranger, response, bytes );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );

        /* while the owner plays */
        net_drain( clients[ending] );
        CHECK( net_connect_with( clients[ending], token ) );
        net_settle( net );
        CHECK_ANSWERS( server, token, clients[ending]->address, SILENCE );
        net_process( server, &clients[ending]->address, response, bytes );
        net_process( server, &stranger, response, bytes );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 1 );

        /* and when the owner does not any more */
        end_session( server, clients[ending], (enum ending) ending );
        CHECK_ANSWERS( server, token, clients[ending]->address, SILENCE );
        net_process( server, &clients[ending]->address, response, bytes );
        net_process( server, &stranger, response, bytes );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    }

    /* another start knows none of them, and refuses them all */
    net_wait_for_second( net, net_wall_seconds( net ) + 1 );
    netcode_server_start( server->server, 2 );
    for ( ending = 0; ending < ENDINGS; ending++ )
        CHECK_ANSWERS( server, tokens[ending], clients[ending]->address, SILENCE );
    net_destroy( net );
}

/* The one who shows it first owns it, whoever that is: the keys that are in the token decide about the rest. */

static void whoever_overtakes_the_request_gets_no_session( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 2 ), * owner = net_client( net, NET_CLIENT );
    struct netcode_address_t thief = net_address( STRANGER );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], response[NET_DATAGRAM_BYTES], garbage[SEAL_CHALLENGE_BYTES] = { 0 };
    uint8_t not_the_key[NETCODE_KEY_BYTES] = { 1 };
    const struct net_datagram * challenge;
    int bytes;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( answer_to( server, token, &thief ), NET_CHALLENGE );

    /* all that can be made of the challenge without its key */
    challenge = net_last_record( server, NET_CHALLENGE );
    REQUIRE( challenge != NULL );
    net_process( server, &thief, challenge->data, challenge->bytes );
    bytes = seal_packet( response, NET_RESPONSE, 1, garbage, SEAL_CHALLENGE_BYTES, net->protocol_id, not_the_key );
    net_process( server, &thief, response, bytes );
    memcpy( response + 1, challenge->data + 1, (size_t) challenge->bytes - 1 );
    response[0] = (uint8_t) ( ( challenge->data[0] & 0xF0 ) | NET_RESPONSE );
    net_process( server, &thief, response, challenge->bytes );
    CHECK( net_history_is( server, "" ) );

    /* the owner is shut out, too, until there is another token: a limit of the protocol */
    CHECK_EQUAL( answer_to( server, token, &owner->address ), SILENCE );
    CHECK( net_connect( owner, server, 1000 ) );
    net_destroy( net );
}

static void flooding_the_history_reopens_nothing( void )
{
    enum { KEPT = 16, FLOOD = 3 * HISTORY, OWNERS = SPOOFED };
    static uint8_t consumed[KEPT][NETCODE_CONNECT_TOKEN_BYTES], pending[KEPT][NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], response[NET_DATAGRAM_BYTES];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, KEPT );
    struct netcode_address_t source;
    int i, challenged = 0;
    for ( i = 0; i < KEPT; i++ )
    {
        source = spoofed_source( OWNERS + 2 * i );
        net_token_for( server, pending[i], -1, 2000 + (uint64_t) i );
        CHECK_EQUAL( answer_to( server, pending[i], &source ), NET_CHALLENGE );
        source = spoofed_source( OWNERS + 2 * i + 1 );
        net_token_for( server, consumed[i], NET_TIMEOUT, 1000 + (uint64_t) i );
        CHECK_EQUAL( answer_to( server, consumed[i], &source ), NET_CHALLENGE );
        net_process( server, &source, response, response_to_the_last( server, consumed[i], response ) );
    }
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), KEPT );
    netcode_server_disconnect_all_clients( server->server );

    /* all valid, from as many sources as there is room for and from one alone */
    for ( i = 0; i < FLOOD; i++ )
    {
        source = spoofed_source( OWNERS + 2 * KEPT + ( i < 500 ? i : 0 ) );
        net_token_for( server, token, NET_TIMEOUT, 5000 + (uint64_t) i );
        challenged += answer_to( server, token, &source ) == NET_CHALLENGE;
        net_forget( net );
    }
    CHECK_EQUAL( challenged, HISTORY - 2 * KEPT );

    for ( i = 0; i < KEPT; i++ )
    {
        CHECK_ANSWERS( server, consumed[i], spoofed_source( OWNERS + 2 * i + 1 ), SILENCE );
        CHECK_ANSWERS( server, pending[i], spoofed_source( OWNERS + 2 * i ), NET_CHALLENGE );
    }
    printf( FIGURES "%d valid tokens against a history of %d: %d remembered, %d refused, none forgotten\n", FLOOD, HISTORY, challenged, FLOOD - challenged );
    net_destroy( net );
}

static void a_request_repeated_from_spoofed_sources_stays_unanswered( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    struct netcode_address_t owner = net_address( ANOTHER_CLIENT );
    int i;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    net_request( token, request );
    net_forget( pair.net );
    net_process( pair.server, &owner, request, sizeof( request ) );
    for ( i = 0; i < 5000; i++ )
    {
        struct netcode_address_t spoofed = spoofed_source( i );
        net_process( pair.server, &spoofed, request, sizeof( request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    net_process( pair.server, &owner, request, sizeof( request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

static void forged_requests_leave_no_trace( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES], mac[NETCODE_MAC_BYTES];
    struct netcode_address_t owner = net_address( ANOTHER_CLIENT );
    uint64_t random = 99;
    int i, j;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    net_forget( pair.net );
    net_process( pair.server, &owner, request, net_request( token, request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    memcpy( mac, request + NET_REQUEST_BYTES - NETCODE_MAC_BYTES, sizeof( mac ) );

    /* more than history and mappings could hold; every third with the tag of a token that is known */
    for ( i = 0; i < 3000; i++ )
    {
        char text[64];
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        for ( j = NET_REQUEST_BYTES - 1024; j < NET_REQUEST_BYTES; j++ )
            request[j] = (uint8_t) net_random( &random );
        if ( i % 3 == 0 )
            memcpy( request + NET_REQUEST_BYTES - NETCODE_MAC_BYTES, mac, sizeof( mac ) );
        net_process( pair.server, i % 2 ? &source : &owner, request, sizeof( request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    net_process( pair.server, &owner, request, net_request( token, request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    for ( i = 0; i < 100; i++ )
    {
        char text[64];
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        net_token_for( pair.server, token, NET_TIMEOUT, 3000 + (uint64_t) i );
        net_process( pair.server, &source, request, net_request( token, request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 102 );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( a_token_opens_nothing_but_its_owners_session );
    TEST( whoever_overtakes_the_request_gets_no_session );
    TEST( flooding_the_history_reopens_nothing );
    TEST( a_request_repeated_from_spoofed_sources_stays_unanswered );
    TEST( forged_requests_leave_no_trace );
    return attack_done();
}
