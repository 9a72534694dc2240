/*
 * An attacker on the network. He knows all addresses and sees all packets, repeats and damages them, and
 * makes up others; he has no keys. One flood after the other, each of one kind and against one target.
 *
 * Connected clients must not notice. A handshake can be disturbed by packets that are repeated under its
 * own address, as by anybody who is able to do that; so those get their cause noted.
 */
#include "soak.h"

const char * const flood_kind_names[FLOOD_KINDS] =
{
    "garbage", "forged requests", "forged packets under an address in use", "replays", "replays from and to others", "damaged packets"
};

#define FLOOD_EVERY_TICKS 200
#define REQUEST_BYTES 1078
#define VERSION "NETCODE 1.02"          /* with its end, 13 bytes */
#define VERSION_BYTES 13
#define MAX_EMPTY_PERCENT 10

/* A client takes so many packets from the simulator in an update; more would push its own ones out. */
#define MOST_FOR_CLIENT 24
#define MOST_FOR_SERVER 150
#define MOST_FOR_SOCKET 40              /* the kernel's buffer is what is small there */

static struct
{
    enum flood_kind_t kind;
    int per_tick, target, at_client;
    double until;
} flood;

static struct endpoint_t * target_endpoint( void )
{
    return flood.at_client ? &world.clients[flood.target].endpoint : &world.servers[flood.target].endpoint;
}

static void count( int sent, int bytes )
{
    if ( !sent )
        return;
    world.statistics.flood_packets++;
    world.statistics.flood_bytes += (uint64_t) bytes;
}

static void fill( uint8_t * data, int bytes, uint64_t dice )
{
    int i;
    for ( i = 0; i < bytes; i++ )
        data[i] = (uint8_t) ( mix64( dice + (uint64_t) ( i / 8 ) ) >> ( 8 * ( i % 8 ) ) );
}

static void put_number( uint8_t * data, uint64_t number )
{
    int i;
    for ( i = 0; i < 8; i++ )
        data[i] = (uint8_t) ( number >> ( 8 * i ) );
}

/* ---- made up --------------------------------------------------------------------------------- */

static void send_garbage( uint64_t dice )
{
    uint8_t data[MAX_DATAGRAM_BYTES];
    int bytes = pick( dice, 70, 100 ) < MAX_EMPTY_PERCENT ? pick( dice, 71, 2 ) : pick( dice, 72, MAX_DATAGRAM_BYTES + 1 );
    fill( data, bytes, dice );
    count( wire_attack( pick( dice, 73, NUM_ATTACKERS ), &target_endpoint()->address, data, bytes ), bytes );
}

static void send_forged_request( uint64_t dice )
{
    uint8_t data[REQUEST_BYTES];
    fill( data, REQUEST_BYTES, dice );
    data[0] = 0;
    memcpy( data + 1, VERSION, VERSION_BYTES );
    put_number( data + 1 + VERSION_BYTES, DEMO_PROTOCOL_ID );
    put_number( data + 1 + VERSION_BYTES + 8, (uint64_t) ( wall_seconds() + 2 * DEMO_TOKEN_SECONDS ) );
    count( wire_attack( pick( dice, 73, NUM_ATTACKERS ), &target_endpoint()->address, data, REQUEST_BYTES ), REQUEST_BYTES );
}

/* Well-formed on the outside: a type, a number of sequence bytes that fits, a size that it may have. */
static void send_forged_packet( uint64_t dice )
{
    static const int sizes[7] = { 0, 0, 308, 308, 8, 0, 0 };
    uint8_t data[MAX_DATAGRAM_BYTES];
    int type = 1 + pick( dice, 74, 6 ), sequence_bytes = 1 + pick( dice, 75, 8 );
    int bytes = 1 + sequence_bytes + NETCODE_MAC_BYTES + ( type == 5 ? 1 + pick( dice, 76, NETCODE_MAX_PACKET_SIZE ) : sizes[type] );
    struct endpoint_t * from = flood.at_client ? &world.servers[pick( dice, 77, world.num_servers )].endpoint
                                               : &world.clients[pick( dice, 77, world.num_clients )].endpoint;
    fill( data, bytes, dice );
    data[0] = (uint8_t) ( sequence_bytes << 4 | type );
    memset( data + 2, 0, (size_t) sequence_bytes - 1 );     /* a small number, which is not too old for long */
    count( wire_forge( from, &target_endpoint()->address, data, bytes ), bytes );
}

/* ---- repeated -------------------------------------------------------------------------------- */

/*
 * Whether the capture may be sent again under the address that it came from. The keys live as long as the
 * token: in another attempt with it, packets of the first are as good as new, and nobody could tell.
 */
static int may_be_replayed( const struct capture_t * packet, const struct session_t * session )
{
    return packet->instance == packet->from->instance && packet->attempt == session->attempt &&
           netcode_address_equal( (struct netcode_address_t *) &packet->from_address, &packet->from->address );
}

/* The handshakes that old packets can disturb: those at the same address. */
static void note_disturbed( const struct capture_t * packet )
{
    struct netcode_address_t address = packet->from->is_server ? packet->to : packet->from_address;
    struct soak_client_t * client = client_at( &address );
    if ( client && client->session && !client->session->connected )
        session_cause( client->session, CAUSE_REPLAYED );
}

static void replay( uint64_t dice )
{
    const struct capture_t * packet = wire_captured( pick( dice, 78, MAX_CAPTURES ) );
    struct session_t * session = packet ? session_with_id( packet->session_id ) : NULL;
    uint8_t data[MAX_DATAGRAM_BYTES];
    struct netcode_address_t to;
    if ( !session || !may_be_replayed( packet, session ) )
        return;
    if ( flood.kind == FLOOD_DAMAGED && session->kind == TOKEN_TAMPERED )
        return;                 /* which could repair it */
    memcpy( data, packet->data, (size_t) packet->bytes );
    to = packet->to;
    if ( flood.kind == FLOOD_DAMAGED )
        data[pick( dice, 79, packet->bytes )] ^= (uint8_t) ( 1 << pick( dice, 80, 8 ) );
    note_disturbed( packet );
    session->replayed = world.time;
    count( wire_forge( packet->from, &to, data, packet->bytes ), packet->bytes );
}

/* A request is a token, and belongs to whoever shows it first. So the owner goes first. */
static void replay_elsewhere( uint64_t dice )
{
    const struct capture_t * packet = wire_captured( pick( dice, 78, MAX_CAPTURES ) );
    const struct session_t * session = packet ? session_with_id( packet->session_id ) : NULL;
    int bytes = packet ? packet->bytes : 0;
    if ( !session || ( packet->data[0] == 0 && !session_is_used_up( session ) ) )
        return;
    count( wire_attack( pick( dice, 73, NUM_ATTACKERS ), &target_endpoint()->address, packet->data, bytes ), bytes );
}

/* ---- when ------------------------------------------------------------------------------------ */

static void flood_begin( uint64_t dice )
{
    flood.kind = (enum flood_kind_t) pick( dice, 81, FLOOD_KINDS );
    flood.at_client = pick( dice, 82, 4 ) == 0;
    flood.target = pick( dice, 83, flood.at_client ? world.num_clients : world.num_servers );
    flood.per_tick = 1 + pick( dice, 84, world.use_sockets ? MOST_FOR_SOCKET : flood.at_client ? MOST_FOR_CLIENT : MOST_FOR_SERVER );
    flood.until = world.time + 0.1 + 0.01 * pick( dice, 85, 200 );
    world.statistics.floods[flood.kind]++;
}

void flood_tick( void )
{
    uint64_t dice = throw_dice( ACTOR_FLOOD );
    int i;
    if ( !wire_can_override() )
        return;
    if ( world.time >= flood.until )
    {
        if ( !world.acting || !once_in( dice, 86, FLOOD_EVERY_TICKS ) )
            return;
        flood_begin( dice );
    }
    for ( i = 0; i < flood.per_tick; i++ )
    {
        uint64_t one = mix64( dice + (uint64_t) i );
        switch ( flood.kind )
        {
            case FLOOD_GARBAGE:         send_garbage( one );        break;
            case FLOOD_FORGED_REQUESTS: send_forged_request( one ); break;
            case FLOOD_FORGED_PACKETS:  send_forged_packet( one );  break;
            case FLOOD_REPLAY_ELSEWHERE: replay_elsewhere( one );   break;
            default:                    replay( one );              break;
        }
    }
}
