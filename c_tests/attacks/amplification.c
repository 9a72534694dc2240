/*
 * Bytes answered for bytes received. Every type of packet, genuine, in every relation that its source can have
 * with the server and in every state of the client: nothing is answered with more than came in, so that nobody
 * gains by sending in another's name.
 */
#include "attack.h"

#define RESERVED ( NET_DISCONNECT + 1 )  /* and all types above it, which no packet has */
#define KINDS ( RESERVED + 1 )

/* What was answered to packets of each type, genuine or so called by junk. */

struct ratio
{
    long long packets, bytes_in, answers, bytes_out;
    double worst;                       /* of one packet */
};

static struct ratio by_server[KINDS], by_client[KINDS];

/* Hands it over, and lets a client have the update in which it answers. */

static void answer_is_no_larger( struct net_endpoint * target, const struct net_datagram * datagram )
{
    int kind = net_type( datagram ) < RESERVED ? net_type( datagram ) : RESERVED;
    struct ratio * ratio = &( target->is_server ? by_server : by_client )[kind];
    struct net_traffic before = net_traffic;
    long long answers, bytes;
    net_process( target, &datagram->from, datagram->data, datagram->bytes );
    if ( target->client )
        net_update( target, target->net->time );
    answers = net_traffic.datagrams_out - before.datagrams_out;
    bytes = net_traffic.bytes_out - before.bytes_out;
    CHECK( answers <= 1 );
    CHECK( bytes <= datagram->bytes );
    ratio->packets++;
    ratio->bytes_in += datagram->bytes;
    ratio->answers += answers;
    ratio->bytes_out += bytes;
    if ( (double) bytes / datagram->bytes > ratio->worst )
        ratio->worst = (double) bytes / datagram->bytes;
    attack_cases++;
}

static void check_total( const struct ratio * ratios )
{
    long long in = 0, out = 0;
    int type;
    for ( type = 0; type < KINDS; type++ )
    {
        in += ratios[type].bytes_in;
        out += ratios[type].bytes_out;
    }
    CHECK( in > 0 && out <= in );
}

/* Clients and a server whose packets are all withheld, so that each comes for the first time where it is tried. */

struct crowd
{
    struct net * net;
    struct net_endpoint * server, * clients[3];
};

static struct crowd crowd_open( int max_clients )
{
    struct crowd crowd;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    char text[64];
    int i;
    crowd.net = net_create();
    crowd.server = net_server( crowd.net, NET_SERVER, max_clients );
    crowd.server->drop = NET_ALL;
    for ( i = 0; i < 3; i++ )
    {
        crowd.clients[i] = net_client( crowd.net, net_client_address( i, text, sizeof( text ) ) );
        net_token_for( crowd.server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
        netcode_client_connect( crowd.clients[i]->client, token );
        crowd.clients[i]->drop = NET_ALL;
    }
    return crowd;
}

/* The last packet of this type that the client sent: answered for the first time, and then again. */

static void try_on_server( struct crowd * crowd, int client, int type )
{
    struct net_datagram datagram = withheld( crowd->clients[client], type );
    REQUIRE( datagram.bytes > 0 );
    answer_is_no_larger( crowd->server, &datagram );
    answer_is_no_larger( crowd->server, &datagram );
    datagram.from = net_address( STRANGER );
    answer_is_no_larger( crowd->server, &datagram );
}

static void answer_on_client( struct crowd * crowd, int client, int type )
{
    const struct net_datagram * last = net_last_record( crowd->server, type );
    struct net_datagram datagram;
    int i;
    REQUIRE( last != NULL );
    for ( i = crowd->net->num_records - 1; i >= 0; i-- )
    {
        datagram = *crowd->net->records[i];
        if ( datagram.sender == crowd->server && net_type( &datagram ) == type && netcode_address_equal( &datagram.to, &crowd->clients[client]->address ) )
            break;
    }
    REQUIRE( i >= 0 );
    answer_is_no_larger( crowd->clients[client], &datagram );
    answer_is_no_larger( crowd->clients[client], &datagram );
}

static void no_answer_is_larger_than_what_it_answers( void )
{
    static const uint8_t payload[NETCODE_MAX_PACKET_SIZE] = { 1 };
    struct crowd crowd = crowd_open( 1 );
    struct net_endpoint * server = crowd.server;
    int i;

    /* three handshakes for one slot: challenges, one connection, denials */
    net_step( crowd.net, NET_TICK );
    for ( i = 0; i < 3; i++ )
        try_on_server( &crowd, i, NET_REQUEST );
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 6 );
    for ( i = 0; i < 3; i++ )
        answer_on_client( &crowd, i, NET_CHALLENGE );
    for ( i = 0; i < 3; i++ )
        try_on_server( &crowd, i, NET_RESPONSE );
    CHECK_EQUAL( server->sent[NET_DENIED], 4 );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    for ( i = 0; i < 3; i++ )
        try_on_server( &crowd, i, NET_REQUEST );
    CHECK_EQUAL( server->sent[NET_DENIED], 8 );
    answer_on_client( &crowd, 0, NET_KEEP_ALIVE );
    CHECK_EQUAL( net_state( crowd.clients[0] ), NETCODE_CLIENT_STATE_CONNECTED );
    for ( i = 1; i < 3; i++ )
        answer_on_client( &crowd, i, NET_DENIED );

    /* a connection, and its end */
    net_step( crowd.net, 1.0 );
    netcode_client_send_packet( crowd.clients[0]->client, payload, 1 );
    try_on_server( &crowd, 0, NET_PAYLOAD );
    netcode_client_send_packet( crowd.clients[0]->client, payload, sizeof( payload ) );
    try_on_server( &crowd, 0, NET_PAYLOAD );
    try_on_server( &crowd, 0, NET_KEEP_ALIVE );
    netcode_server_send_packet( server->server, 0, payload, 1 );
    answer_on_client( &crowd, 0, NET_PAYLOAD );
    netcode_server_send_packet( server->server, 0, payload, sizeof( payload ) );
    answer_on_client( &crowd, 0, NET_PAYLOAD );
    answer_on_client( &crowd, 0, NET_KEEP_ALIVE );
    netcode_client_disconnect( crowd.clients[0]->client );
    try_on_server( &crowd, 0, NET_DISCONNECT );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    check_total( by_server );
    check_total( by_client );
    net_destroy( crowd.net );
}

static void being_sent_away_is_not_answered( void )
{
    struct crowd crowd = crowd_open( 3 );
    net_step( crowd.net, NET_TICK );
    try_on_server( &crowd, 0, NET_REQUEST );
    answer_on_client( &crowd, 0, NET_CHALLENGE );
    try_on_server( &crowd, 0, NET_RESPONSE );
    answer_on_client( &crowd, 0, NET_KEEP_ALIVE );
    netcode_server_disconnect_client( crowd.server->server, 0 );
    answer_on_client( &crowd, 0, NET_DISCONNECT );
    CHECK_EQUAL( net_state( crowd.clients[0] ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( crowd.net );
}

static void junk_is_not_answered( void )
{
    struct crowd crowd = crowd_open( 3 );
    struct net_datagram junk;
    uint64_t random = 77;
    int bytes, first, i;
    net_step( crowd.net, NET_TICK );
    memset( &junk, 0, sizeof( junk ) );
    for ( first = 0; first < 256; first++ )
    {
        for ( bytes = 1; bytes <= MAX_BYTES; bytes += 1 + (int) ( net_random( &random ) % 50 ) )
        {
            junk.bytes = bytes;
            for ( i = 0; i < bytes; i++ )
                junk.data[i] = (uint8_t) net_random( &random );
            junk.data[0] = (uint8_t) first;
            junk.from = crowd.clients[0]->address;
            answer_is_no_larger( crowd.server, &junk );
            junk.from = crowd.server->address;
            answer_is_no_larger( crowd.clients[0], &junk );
        }
    }
    CHECK_EQUAL( net_total_sent( crowd.server ), 0 );
    net_destroy( crowd.net );
}

/* Time sends nothing to an address that has proven nothing: whoever starts a handshake in another's name gets
   that one a challenge for each request, and no more, however long it takes. */

static void an_unfinished_handshake_sends_nothing_by_itself( void )
{
    struct crowd crowd = crowd_open( 3 );
    struct net_datagram datagram;
    int i;
    net_step( crowd.net, NET_TICK );
    datagram = withheld( crowd.clients[0], NET_REQUEST );
    answer_is_no_larger( crowd.server, &datagram );
    CHECK_EQUAL( net_total_sent( crowd.server ), 1 );
    for ( i = 0; i < 3600; i++ )
        net_update( crowd.server, crowd.net->time + NET_TICK );
    netcode_server_stop( crowd.server->server );
    CHECK_EQUAL( net_total_sent( crowd.server ), 1 );
    net_destroy( crowd.net );
}

/* The one thing that is larger than what led to it: a server that is full has its client ask the next one in the
   token. Only that server can say so, once, and it gets no byte of it. */

static void a_denial_leads_to_one_request_elsewhere( void )
{
    static const char * addresses[] = { NET_SERVER, "10.0.0.2:40000", "10.0.0.3:40000", "10.0.0.4:40000" };
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * late = net_client( pair.net, ANOTHER_CLIENT );
    struct net_datagram denied;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token( pair.net, token, 4, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 2000, NULL );
    netcode_client_connect( late->client, token );
    pair.server->drop = 1 << NET_DENIED;
    net_step( pair.net, NET_TICK );
    denied = withheld( pair.server, NET_DENIED );
    net_forget( pair.net );
    for ( i = 0; i < 10; i++ )
    {
        net_process( late, &denied.from, denied.data, denied.bytes );
        net_update( late, pair.net->time );
        attack_cases++;
    }
    CHECK_EQUAL( late->sent[NET_REQUEST], 1 );
    CHECK_EQUAL( net_total_sent( late ), 1 );
    REQUIRE( net_last_record( late, NET_REQUEST ) != NULL );
    denied = *net_last_record( late, NET_REQUEST );
    CHECK( net_address_is( &denied.to, addresses[1] ) );
    net_pair_close( &pair );
}

static void print_ratios( const char * who, const struct ratio * ratios )
{
    static const char * const names[KINDS] = { "request", "denied", "challenge", "response", "keep-alive", "payload", "disconnect", "reserved types" };
    int type;
    for ( type = 0; type < KINDS; type++ )
    {
        const struct ratio * ratio = &ratios[type];
        printf( FIGURES "%s, %s: %lld packets with %lld bytes, %lld answers with %lld, at worst %.3f bytes for one\n", who, names[type], ratio->packets, ratio->bytes_in, ratio->answers, ratio->bytes_out, ratio->worst );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( no_answer_is_larger_than_what_it_answers );
    TEST( being_sent_away_is_not_answered );
    TEST( junk_is_not_answered );
    TEST( an_unfinished_handshake_sends_nothing_by_itself );
    TEST( a_denial_leads_to_one_request_elsewhere );
    print_ratios( "server", by_server );
    print_ratios( "client", by_client );
    return attack_done();
}
