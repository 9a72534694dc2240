/*
 * A flood of datagrams that look like what a server hears all day, and the load of a full server under it.
 */
#ifndef NETCODE_C_TESTS_FLOOD_H
#define NETCODE_C_TESTS_FLOOD_H

#include "attack.h"

#define PLAYERS NETCODE_MAX_CLIENTS
#define FLOOD_PER_PAYLOAD 10
#define FLOOD_TICKS 60
#define FLOOD_TICK NET_TICK
#define FLOOD_TIMEOUT 1                 /* seconds: whoever is not heard for so long is gone well before the end */
#define FLOOD_TOKENS 64                 /* valid ones, whose owners never answer a challenge */

struct flood
{
    uint64_t random;
    uint8_t used[PLAYERS][NET_REQUEST_BYTES];           /* requests of those who play */
    uint8_t unused[FLOOD_TOKENS][NET_REQUEST_BYTES];
};

/* The next datagram; its size. */

static inline int flood_next( struct flood * flood, uint8_t * data )
{
    uint64_t dice = net_random( &flood->random );
    int bytes = 18 + (int) ( ( dice >> 32 ) % 300 ), i;
    switch ( dice % 8 )
    {
        case 0:     /* a request that shows the token of a player */
            memcpy( data, flood->used[( dice >> 8 ) % PLAYERS], NET_REQUEST_BYTES );
            return NET_REQUEST_BYTES;
        case 1:     /* a valid request */
            memcpy( data, flood->unused[( dice >> 8 ) % FLOOD_TOKENS], NET_REQUEST_BYTES );
            return NET_REQUEST_BYTES;
        case 2:     /* a forged one */
            memcpy( data, flood->unused[0], NET_REQUEST_BYTES );
            for ( i = NET_REQUEST_BYTES - 32; i < NET_REQUEST_BYTES; i++ )
                data[i] = (uint8_t) net_random( &flood->random );
            return NET_REQUEST_BYTES;
        case 3:     /* a single byte */
            data[0] = (uint8_t) ( dice >> 8 );
            return 1;
        case 4:     /* as large as it gets */
            bytes = NET_RECEIVE_BYTES;
            break;
        case 5:     /* the size of a disconnect packet */
            bytes = 18;
            break;
        default:
            break;
    }
    for ( i = 0; i < bytes; i++ )
        data[i] = (uint8_t) net_random( &flood->random );
    /* one of the types that a client sends over a connection, with a sequence number of one to eight bytes */
    data[0] = (uint8_t) ( ( 1 + ( dice >> 16 ) % 8 ) << 4 | ( NET_KEEP_ALIVE + ( dice >> 24 ) % 3 ) );
    return bytes;
}

/* What player `i` sends, and is sent, in a tick. */

#define PAYLOAD_BYTES( i ) ( 50 + ( i ) % 100 )
#define PAYLOAD_SEED( i, tick, up ) ( ( ( tick ) * PLAYERS + ( i ) ) * 2 + ( up ) )

#endif
