/*
 * Sealing and opening by hand, for tests that need a packet no honest client or server would send,
 * or want to look into one: ChaCha20-Poly1305 of RFC 8439 with its 24-byte-nonce variant, and around
 * it the protocol's packets, connect tokens and challenge tokens. Slow and simple; only for tests.
 */
#ifndef NETCODE_C_TEST_SEAL_H
#define NETCODE_C_TEST_SEAL_H

#include "net.h"

#define SEAL_MAC_BYTES 16
#define SEAL_VERSION "NETCODE 1.02"     /* 13 bytes with its end */
#define SEAL_VERSION_BYTES 13
#define SEAL_CHALLENGE_BYTES 308        /* per-packet data of challenge and response */
#define SEAL_PRIVATE_BYTES 1024         /* private part of a connect token, tag included */

static inline uint32_t seal_load( const uint8_t * data )
{
    return (uint32_t) net_read_little_endian( data, 4 );
}

static inline uint32_t seal_rotate( uint32_t value, int bits )
{
    return value << bits | value >> ( 32 - bits );
}

static inline void seal_quarter_round( uint32_t * x, int a, int b, int c, int d )
{
    x[a] += x[b]; x[d] = seal_rotate( x[d] ^ x[a], 16 );
    x[c] += x[d]; x[b] = seal_rotate( x[b] ^ x[c], 12 );
    x[a] += x[b]; x[d] = seal_rotate( x[d] ^ x[a], 8 );
    x[c] += x[d]; x[b] = seal_rotate( x[b] ^ x[c], 7 );
}

/* The ChaCha20 permutation over constants, key, and 16 bytes of counter and nonce. */

static inline void seal_chacha_rounds( uint32_t * initial, uint32_t * x, const uint8_t * key, const uint8_t * last16 )
{
    static const uint8_t constants[17] = "expand 32-byte k";
    int i;
    for ( i = 0; i < 4; i++ )
    {
        initial[i] = seal_load( constants + 4 * i );
        initial[12 + i] = seal_load( last16 + 4 * i );
    }
    for ( i = 0; i < 8; i++ )
        initial[4 + i] = seal_load( key + 4 * i );
    memcpy( x, initial, 64 );
    for ( i = 0; i < 10; i++ )
    {
        seal_quarter_round( x, 0, 4, 8, 12 );
        seal_quarter_round( x, 1, 5, 9, 13 );
        seal_quarter_round( x, 2, 6, 10, 14 );
        seal_quarter_round( x, 3, 7, 11, 15 );
        seal_quarter_round( x, 0, 5, 10, 15 );
        seal_quarter_round( x, 1, 6, 11, 12 );
        seal_quarter_round( x, 2, 7, 8, 13 );
        seal_quarter_round( x, 3, 4, 9, 14 );
    }
}

static inline void seal_chacha_block( uint8_t * block, uint32_t counter, const uint8_t * nonce12, const uint8_t * key )
{
    uint32_t initial[16], x[16];
    uint8_t last16[16];
    int i;
    net_write_little_endian( last16, 4, counter );
    memcpy( last16 + 4, nonce12, 12 );
    seal_chacha_rounds( initial, x, key, last16 );
    for ( i = 0; i < 16; i++ )
        net_write_little_endian( block + 4 * i, 4, x[i] + initial[i] );
}

static inline void seal_chacha_xor( uint8_t * data, int bytes, const uint8_t * nonce12, const uint8_t * key )
{
    uint8_t block[64];
    int i;
    for ( i = 0; i < bytes; i++ )
    {
        if ( i % 64 == 0 )
            seal_chacha_block( block, 1 + (uint32_t) ( i / 64 ), nonce12, key );
        data[i] ^= block[i % 64];
    }
}

/* Poly1305 in five limbs of 26 bits. */

struct seal_poly
{
    uint32_t r[5], h[5];
};

static inline void seal_poly_split( uint32_t * limbs, const uint8_t * block, uint32_t top )
{
    limbs[0] = seal_load( block ) & 0x3ffffff;
    limbs[1] = ( seal_load( block + 3 ) >> 2 ) & 0x3ffffff;
    limbs[2] = ( seal_load( block + 6 ) >> 4 ) & 0x3ffffff;
    limbs[3] = ( seal_load( block + 9 ) >> 6 ) & 0x3ffffff;
    limbs[4] = ( seal_load( block + 12 ) >> 8 ) | top;
}

static inline void seal_poly_blocks( struct seal_poly * poly, const uint8_t * data, int bytes )
{
    while ( bytes > 0 )
    {
        uint8_t block[16];              /* zero padded, as the AEAD wants it */
        uint32_t m[5];
        uint64_t product[5], carry = 0;
        int i, j, n = bytes < 16 ? bytes : 16;
        memset( block, 0, sizeof( block ) );
        memcpy( block, data, (size_t) n );
        seal_poly_split( m, block, 1 << 24 );
        for ( i = 0; i < 5; i++ )
            poly->h[i] += m[i];
        for ( i = 0; i < 5; i++ )
        {
            product[i] = 0;
            for ( j = 0; j < 5; j++ )
                product[i] += (uint64_t) poly->h[j] * ( j <= i ? poly->r[i - j] : 5 * poly->r[5 + i - j] );
        }
        for ( i = 0; i < 5; i++ )
        {
            product[i] += carry;
            poly->h[i] = (uint32_t) ( product[i] & 0x3ffffff );
            carry = product[i] >> 26;
        }
        poly->h[0] += (uint32_t) carry * 5;
        poly->h[1] += poly->h[0] >> 26;
        poly->h[0] &= 0x3ffffff;
        data += n;
        bytes -= n;
    }
}

static inline void seal_poly_finish( struct seal_poly * poly, const uint8_t * pad, uint8_t * tag )
{
    uint32_t reduced[5], carry;
    uint64_t sum = 0;
    int i, round;
    for ( round = 0; round < 2; round++ )
    {
        for ( i = 0, carry = 0; i < 5; i++ )
        {
            poly->h[i] += carry;
            carry = poly->h[i] >> 26;
            poly->h[i] &= 0x3ffffff;
        }
        poly->h[0] += carry * 5;
    }
    /* minus 2^130 - 5, if that does not go below zero */
    for ( i = 0, carry = 5; i < 5; i++ )
    {
        reduced[i] = poly->h[i] + carry;
        carry = reduced[i] >> 26;
        reduced[i] &= 0x3ffffff;
    }
    if ( carry )
        memcpy( poly->h, reduced, sizeof( reduced ) );
    for ( i = 0; i < 4; i++ )
    {
        sum += (uint32_t) ( poly->h[i] >> 6 * i | poly->h[i + 1] << ( 26 - 6 * i ) );
        sum += seal_load( pad + 4 * i );
        net_write_little_endian( tag + 4 * i, 4, (uint32_t) sum );
        sum >>= 32;
    }
}

static inline void seal_tag( uint8_t * tag, const uint8_t * data, int bytes, const uint8_t * ad, int ad_bytes, const uint8_t * nonce12, const uint8_t * key )
{
    struct seal_poly poly;
    uint8_t block[64], clamped[16], lengths[16];
    int i;
    seal_chacha_block( block, 0, nonce12, key );
    memcpy( clamped, block, 16 );
    for ( i = 3; i < 16; i += 4 )
        clamped[i] &= 15;
    for ( i = 4; i < 16; i += 4 )
        clamped[i] &= 252;
    memset( &poly, 0, sizeof( poly ) );
    seal_poly_split( poly.r, clamped, 0 );
    net_write_little_endian( lengths, 8, (uint64_t) ad_bytes );
    net_write_little_endian( lengths + 8, 8, (uint64_t) bytes );
    seal_poly_blocks( &poly, ad, ad_bytes );
    seal_poly_blocks( &poly, data, bytes );
    seal_poly_blocks( &poly, lengths, 16 );
    seal_poly_finish( &poly, block + 16, tag );
}

/* Encrypts in place and puts 16 bytes of tag behind. */

static inline void seal_close( uint8_t * data, int bytes, const uint8_t * ad, int ad_bytes, const uint8_t * nonce12, const uint8_t * key )
{
    seal_chacha_xor( data, bytes, nonce12, key );
    seal_tag( data + bytes, data, bytes, ad, ad_bytes, nonce12, key );
}

/* `bytes` without the tag. 1 if the tag was right; then decrypted in place. */

static inline int seal_open( uint8_t * data, int bytes, const uint8_t * ad, int ad_bytes, const uint8_t * nonce12, const uint8_t * key )
{
    uint8_t tag[SEAL_MAC_BYTES];
    seal_tag( tag, data, bytes, ad, ad_bytes, nonce12, key );
    if ( memcmp( tag, data + bytes, SEAL_MAC_BYTES ) != 0 )
        return 0;
    seal_chacha_xor( data, bytes, nonce12, key );
    return 1;
}

/* The 24-byte nonce's first 16 bytes make a new key, its last 8 the nonce. */

static inline void seal_extend_nonce( const uint8_t * nonce24, const uint8_t * key, uint8_t * new_key, uint8_t * nonce12 )
{
    uint32_t initial[16], x[16];
    int i;
    seal_chacha_rounds( initial, x, key, nonce24 );
    for ( i = 0; i < 4; i++ )
    {
        net_write_little_endian( new_key + 4 * i, 4, x[i] );
        net_write_little_endian( new_key + 16 + 4 * i, 4, x[12 + i] );
    }
    memset( nonce12, 0, 4 );
    memcpy( nonce12 + 4, nonce24 + 16, 8 );
}

/* Packets. */

static inline void seal_packet_nonce( uint8_t * nonce12, uint64_t sequence )
{
    memset( nonce12, 0, 4 );
    net_write_little_endian( nonce12 + 4, 8, sequence );
}

#define SEAL_PACKET_AD_BYTES ( SEAL_VERSION_BYTES + 8 + 1 )

static inline void seal_packet_ad( uint8_t * ad, uint64_t protocol_id, uint8_t prefix )
{
    memcpy( ad, SEAL_VERSION, SEAL_VERSION_BYTES );
    net_write_little_endian( ad + SEAL_VERSION_BYTES, 8, protocol_id );
    ad[SEAL_VERSION_BYTES + 8] = prefix;
}

/* With a prefix byte of the caller's own making; returns the packet's size. */

static inline int seal_packet_with_prefix( uint8_t * packet, uint8_t prefix, int sequence_bytes, uint64_t sequence, const uint8_t * plain, int bytes, uint64_t protocol_id, const uint8_t * key )
{
    uint8_t ad[SEAL_PACKET_AD_BYTES], nonce[12];
    packet[0] = prefix;
    net_write_little_endian( packet + 1, sequence_bytes, sequence );
    if ( bytes > 0 )
        memcpy( packet + 1 + sequence_bytes, plain, (size_t) bytes );
    seal_packet_ad( ad, protocol_id, prefix );
    seal_packet_nonce( nonce, sequence );
    seal_close( packet + 1 + sequence_bytes, bytes, ad, sizeof( ad ), nonce, key );
    return 1 + sequence_bytes + bytes + SEAL_MAC_BYTES;
}

static inline int seal_packet( uint8_t * packet, int type, uint64_t sequence, const uint8_t * plain, int bytes, uint64_t protocol_id, const uint8_t * key )
{
    int sequence_bytes = 1;
    while ( sequence_bytes < 8 && sequence >> ( 8 * sequence_bytes ) )
        sequence_bytes++;
    return seal_packet_with_prefix( packet, (uint8_t) ( sequence_bytes << 4 | type ), sequence_bytes, sequence, plain, bytes, protocol_id, key );
}

/* The decrypted data of a packet of at least 18 bytes; its size, or -1 if it does not open. */

static inline int seal_open_packet( const struct net_datagram * datagram, uint8_t * plain, uint64_t protocol_id, const uint8_t * key )
{
    uint8_t ad[SEAL_PACKET_AD_BYTES], nonce[12], data[NET_DATAGRAM_BYTES];
    int sequence_bytes = datagram->data[0] >> 4;
    int bytes = datagram->bytes - 1 - sequence_bytes - SEAL_MAC_BYTES;
    if ( bytes < 0 )
        return -1;
    memcpy( data, datagram->data + 1 + sequence_bytes, (size_t) bytes + SEAL_MAC_BYTES );
    seal_packet_ad( ad, protocol_id, datagram->data[0] );
    seal_packet_nonce( nonce, net_sequence( datagram ) );
    if ( !seal_open( data, bytes, ad, sizeof( ad ), nonce, key ) )
        return -1;
    memcpy( plain, data, (size_t) bytes );
    return bytes;
}

/* Connect tokens. */

static inline const uint8_t * seal_keys_after_addresses( const uint8_t * addresses, uint32_t count )
{
    while ( count-- > 0 )
        addresses += *addresses == NETCODE_ADDRESS_IPV4 ? 7 : 19;
    return addresses;
}

/* What the client seals with, and what the server seals with. */

static inline const uint8_t * seal_client_key( const uint8_t * token )
{
    return seal_keys_after_addresses( token + NET_TOKEN_ADDRESSES, seal_load( token + NET_TOKEN_NUM_ADDRESSES ) );
}

static inline const uint8_t * seal_server_key( const uint8_t * token )
{
    return seal_client_key( token ) + NETCODE_KEY_BYTES;
}

#define SEAL_TOKEN_AD_BYTES ( SEAL_VERSION_BYTES + 8 + 8 )

static inline void seal_token_ad( uint8_t * ad, const uint8_t * token )
{
    memcpy( ad, token + NET_TOKEN_VERSION, SEAL_VERSION_BYTES + 8 );
    memcpy( ad + SEAL_VERSION_BYTES + 8, token + NET_TOKEN_EXPIRE, 8 );
}

/* Decrypts the private part of a token in place, to be changed... */

static inline int seal_open_token( uint8_t * token, const uint8_t * private_key )
{
    uint8_t ad[SEAL_TOKEN_AD_BYTES], key[32], nonce[12];
    seal_token_ad( ad, token );
    seal_extend_nonce( token + NET_TOKEN_NONCE, private_key, key, nonce );
    return seal_open( token + NET_TOKEN_PRIVATE, SEAL_PRIVATE_BYTES - SEAL_MAC_BYTES, ad, sizeof( ad ), nonce, key );
}

/* ...and encrypts it again. */

static inline void seal_close_token( uint8_t * token, const uint8_t * private_key )
{
    uint8_t ad[SEAL_TOKEN_AD_BYTES], key[32], nonce[12];
    seal_token_ad( ad, token );
    seal_extend_nonce( token + NET_TOKEN_NONCE, private_key, key, nonce );
    seal_close( token + NET_TOKEN_PRIVATE, SEAL_PRIVATE_BYTES - SEAL_MAC_BYTES, ad, sizeof( ad ), nonce, key );
}

/* Offsets in the decrypted private part. */
#define SEAL_PRIVATE_ID 0
#define SEAL_PRIVATE_TIMEOUT 8
#define SEAL_PRIVATE_NUM_ADDRESSES 12
#define SEAL_PRIVATE_ADDRESSES 16

/* One session: what is needed to speak for either side of it. */

struct seal_session
{
    uint64_t protocol_id;
    uint8_t client_key[NETCODE_KEY_BYTES], server_key[NETCODE_KEY_BYTES];
};

static inline struct seal_session seal_session_of( struct net * net, const uint8_t * token )
{
    struct seal_session session;
    session.protocol_id = net->protocol_id;
    memcpy( session.client_key, seal_client_key( token ), NETCODE_KEY_BYTES );
    memcpy( session.server_key, seal_server_key( token ), NETCODE_KEY_BYTES );
    return session;
}

/* Puts a packet of the client's into the server's queue. */

static inline void seal_from_client( const struct seal_session * session, struct net_endpoint * client, struct net_endpoint * server, int type, uint64_t sequence, const uint8_t * plain, int bytes )
{
    uint8_t packet[NET_DATAGRAM_BYTES];
    int size = seal_packet( packet, type, sequence, plain, bytes, session->protocol_id, session->client_key );
    net_inject( server->net, &client->address, &server->address, packet, size );
}

/* Puts a packet of the server's into the client's queue. */

static inline void seal_from_server( const struct seal_session * session, struct net_endpoint * client, struct net_endpoint * server, int type, uint64_t sequence, const uint8_t * plain, int bytes )
{
    uint8_t packet[NET_DATAGRAM_BYTES];
    int size = seal_packet( packet, type, sequence, plain, bytes, session->protocol_id, session->server_key );
    net_inject( client->net, &server->address, &client->address, packet, size );
}

#endif
