/*
 * The adapter by which the checker runs the C library, through netcode.h alone: a line of JSON in, a line of JSON
 * out (README.md). Datagrams go in and out through the override functions. What the C API has no function for is
 * answered {"unsupported": true}. Compiles as C99 and as C++17.
 */
#include "netcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 16384
#define MAX_FIELDS 24
#define MAX_DATAGRAM 1300
#define MAX_WAITING 256

/* Programs declare the simulator's functions themselves. */
struct netcode_network_simulator_t
{
    void * allocator_context;
    void * (*allocate_function)( void *, size_t );
    void (*free_function)( void *, void * );
    float latency_milliseconds, jitter_milliseconds, packet_loss_percent, duplicate_packet_percent;
};

#ifdef __cplusplus
extern "C" {
#endif
struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context, void * (*allocate_function)( void *, size_t ), void (*free_function)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * simulator, double time );
void netcode_network_simulator_send_packet( struct netcode_network_simulator_t * simulator, struct netcode_address_t * from, struct netcode_address_t * to, uint8_t * data, int bytes );
int netcode_network_simulator_receive_packets( struct netcode_network_simulator_t * simulator, struct netcode_address_t * to, int max_packets, uint8_t ** data, int * bytes, struct netcode_address_t * from );
#ifdef __cplusplus
}
#endif

static void fail( const char * what )
{
    fprintf( stderr, "adapter: %s\n", what );
    exit( 2 );
}

/* Text that grows. */

struct text
{
    char * data;
    size_t length, room;
};

static void put_bytes( struct text * text, const char * data, size_t bytes )
{
    if ( text->length + bytes + 1 > text->room )
    {
        text->room = ( text->length + bytes + 1 ) * 2;
        text->data = (char *) realloc( text->data, text->room );
        if ( !text->data )
            fail( "out of memory" );
    }
    memcpy( text->data + text->length, data, bytes );
    text->length += bytes;
    text->data[text->length] = '\0';
}

static void put( struct text * text, const char * string )
{
    put_bytes( text, string, strlen( string ) );
}

static void put_int( struct text * text, const char * before, long long number )
{
    char digits[32];
    snprintf( digits, sizeof( digits ), "%lld", number );
    put( text, before );
    put( text, digits );
}

static void put_hex( struct text * text, const char * before, const uint8_t * data, int bytes )
{
    char digits[4];
    int i;
    put( text, before );
    put( text, "\"" );
    for ( i = 0; i < bytes; i++ )
    {
        snprintf( digits, sizeof( digits ), "%02x", data[i] );
        put_bytes( text, digits, 2 );
    }
    put( text, "\"" );
}

static void put_wide( struct text * text, const char * before, const char * format, uint64_t number )
{
    char digits[32];
    snprintf( digits, sizeof( digits ), format, (unsigned long long) number );
    put( text, before );
    put( text, "\"" );
    put( text, digits );
    put( text, "\"" );
}

static void put_address( struct text * text, const char * before, struct netcode_address_t * address )
{
    char string[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    put( text, before );
    put( text, "\"" );
    if ( address && address->type != NETCODE_ADDRESS_NONE )
        put( text, netcode_address_to_string( address, string ) );
    put( text, "\"" );
}

/* An item of a list begins. */

static void put_item( struct text * list )
{
    put( list, list->length > 0 ? ", " : "" );
}

/* Adds a list to a reply, and empties it. */

static void put_list( struct text * text, const char * before, struct text * list )
{
    put( text, before );
    put( text, "[" );
    put_bytes( text, list->data ? list->data : "", list->length );
    put( text, "]" );
    list->length = 0;
}

/* What the checker asks: an object of texts and numbers, without lists or objects in it. Taken apart in place. */

struct fields
{
    int count;
    char * names[MAX_FIELDS];
    char * values[MAX_FIELDS];
};

static char * skip_space( char * at )
{
    while ( *at == ' ' || *at == ',' || *at == ':' || *at == '{' || *at == '}' || *at == '\n' || *at == '\r' )
        at++;
    return at;
}

static unsigned hex_digit( char digit )
{
    return (unsigned) ( digit <= '9' ? digit - '0' : ( digit | 32 ) - 'a' + 10 );
}

/* A text from its opening quote on; what it means replaces what is written. Beyond ASCII the value does not matter. */

static char * take_text( char ** at )
{
    char * from = *at + 1, * to = *at + 1, * start = to;
    while ( *from && *from != '"' )
    {
        if ( *from == '\\' && from[1] == 'u' && from[2] && from[3] && from[4] && from[5] )
        {
            unsigned unit = hex_digit( from[2] ) << 12 | hex_digit( from[3] ) << 8 | hex_digit( from[4] ) << 4 | hex_digit( from[5] );
            *to++ = unit > 0 && unit < 128 ? (char) unit : '?';
            from += 6;
        }
        else if ( *from == '\\' && from[1] )
        {
            *to++ = from[1];
            from += 2;
        }
        else
            *to++ = *from++;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return start;
}

static void read_fields( struct fields * fields, char * at )
{
    fields->count = 0;
    for ( at = skip_space( at ); *at == '"' && fields->count < MAX_FIELDS; at = skip_space( at ) )
    {
        fields->names[fields->count] = take_text( &at );
        at = skip_space( at );
        if ( *at == '"' )
            fields->values[fields->count] = take_text( &at );
        else
        {
            fields->values[fields->count] = at;
            at += strcspn( at, ",}" );
            if ( *at )
                *at++ = '\0';
        }
        fields->count++;
    }
}

static const char * field_or( const struct fields * fields, const char * name, const char * otherwise )
{
    int i;
    for ( i = 0; i < fields->count; i++ )
    {
        if ( strcmp( fields->names[i], name ) == 0 )
            return fields->values[i];
    }
    return otherwise;
}

static const char * field( const struct fields * fields, const char * name )
{
    const char * value = field_or( fields, name, NULL );
    if ( !value )
        fail( name );
    return value;
}

static int field_int( const struct fields * fields, const char * name )
{
    return atoi( field( fields, name ) );
}

static double field_double( const struct fields * fields, const char * name )
{
    return strtod( field( fields, name ), NULL );
}

static uint64_t field_wide( const struct fields * fields, const char * name )
{
    return strtoull( field( fields, name ), NULL, 0 );
}

static int field_bytes( const struct fields * fields, const char * name, uint8_t * data, int room )
{
    const char * text = field( fields, name );
    int i, bytes = (int) ( strlen( text ) / 2 );
    if ( bytes > room )
        fail( "a byte string is too long" );
    for ( i = 0; i < bytes; i++ )
        data[i] = (uint8_t) ( hex_digit( text[2 * i] ) << 4 | hex_digit( text[2 * i + 1] ) );
    return bytes;
}

static void address_of( const char * text, struct netcode_address_t * address )
{
    if ( netcode_parse_address( text, address ) != NETCODE_OK )
        fail( "not an address" );
}

/* One client or server at a time, and the datagrams on their way to it. */

struct datagram
{
    struct netcode_address_t from;
    int bytes;
    uint8_t data[MAX_DATAGRAM];
};

struct end
{
    struct netcode_client_t * client;
    struct netcode_server_t * server;
    struct datagram waiting[MAX_WAITING];
    int first, count;
    struct text sent, events, received;
};

static struct end client_end, server_end;

static void end_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct text * sent = &( (struct end *) context )->sent;
    put_item( sent );
    put_address( sent, "{\"to\": ", to );
    put_hex( sent, ", \"data\": ", data, bytes );
    put( sent, "}" );
}

static int end_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct end * end = (struct end *) context;
    struct datagram * datagram;
    if ( end->first == end->count )
    {
        end->first = end->count = 0;
        return 0;
    }
    datagram = &end->waiting[end->first++];
    if ( datagram->bytes > max_bytes )
        fail( "a datagram is too long" );
    *from = datagram->from;
    memcpy( data, datagram->data, (size_t) datagram->bytes );
    return datagram->bytes;
}

static void feed( struct end * end, const struct fields * fields, struct text * reply )
{
    struct datagram * datagram = &end->waiting[end->count];
    if ( end->count == MAX_WAITING )
        fail( "too many datagrams" );
    datagram->bytes = field_bytes( fields, "data", datagram->data, MAX_DATAGRAM );
    address_of( field( fields, "from" ), &datagram->from );
    /* A receive override has no way to hand over an empty datagram: 0 is the end. */
    end->count += datagram->bytes > 0;
    put( reply, "{}" );
}

static void end_close( struct end * end )
{
    if ( end->client )
        netcode_client_destroy( end->client );
    if ( end->server )
        netcode_server_destroy( end->server );
    end->client = NULL;
    end->server = NULL;
    end->first = end->count = 0;
    end->sent.length = end->events.length = end->received.length = 0;
}

/* The client. */

static void client_state_changed( void * context, int previous, int current )
{
    struct end * end = (struct end *) context;
    put_item( &end->events );
    put_int( &end->events, "{\"previous\": ", previous );
    put_int( &end->events, ", \"current\": ", current );
    put_int( &end->events, ", \"client_index\": ", netcode_client_index( end->client ) );
    put_int( &end->events, ", \"max_clients\": ", netcode_client_max_clients( end->client ) );
    put( &end->events, "}" );
}

static void client_create( struct end * end, const struct fields * fields )
{
    struct netcode_client_config_t config;
    end_close( end );
    netcode_default_client_config( &config );
    config.callback_context = end;
    config.state_change_callback = client_state_changed;
    config.override_send_and_receive = 1;
    config.send_packet_override = end_send;
    config.receive_packet_override = end_receive;
    end->client = netcode_client_create( field( fields, "address" ), &config, field_double( fields, "time" ) );
    if ( !end->client )
        fail( "no client" );
}

static void client_reply( struct end * end, struct text * reply )
{
    uint8_t * data;
    uint64_t sequence;
    int bytes;
    while ( ( data = netcode_client_receive_packet( end->client, &bytes, &sequence ) ) != NULL )
    {
        put_item( &end->received );
        put_wide( &end->received, "{\"sequence\": ", "%llu", sequence );
        put_hex( &end->received, ", \"data\": ", data, bytes );
        put( &end->received, "}" );
        netcode_client_free_packet( end->client, data );
    }
    put_int( reply, "{\"state\": ", netcode_client_state( end->client ) );
    put_int( reply, ", \"client_index\": ", netcode_client_index( end->client ) );
    put_int( reply, ", \"max_clients\": ", netcode_client_max_clients( end->client ) );
    put_wide( reply, ", \"sequence\": ", "%llu", netcode_client_next_packet_sequence( end->client ) );
    put_address( reply, ", \"server\": ", netcode_client_server_address( end->client ) );
    put_list( reply, ", \"sent\": ", &end->sent );
    put_list( reply, ", \"states\": ", &end->events );
    put_list( reply, ", \"received\": ", &end->received );
    put( reply, "}" );
}

static int client_answer( struct end * end, const char * op, const struct fields * fields, struct text * reply )
{
    uint8_t data[NETCODE_CONNECT_TOKEN_BYTES];
    if ( strcmp( op, "client_create" ) == 0 )
        client_create( end, fields );
    else if ( !end->client )
        fail( "no client" );
    else if ( strcmp( op, "client_feed" ) == 0 )
    {
        feed( end, fields, reply );
        return 1;
    }
    else if ( strcmp( op, "client_connect" ) == 0 )
    {
        field_bytes( fields, "token", data, NETCODE_CONNECT_TOKEN_BYTES );
        netcode_client_connect( end->client, data );
    }
    else if ( strcmp( op, "client_update" ) == 0 )
        netcode_client_update( end->client, field_double( fields, "time" ) );
    else if ( strcmp( op, "client_send" ) == 0 )
    {
        int bytes = field_bytes( fields, "data", data, NETCODE_MAX_PACKET_SIZE );
        int count = atoi( field_or( fields, "count", "1" ) );
        while ( count-- > 0 )
        {
            end->sent.length = 0;       /* only what is sent last is told of */
            netcode_client_send_packet( end->client, data, bytes );
        }
    }
    else if ( strcmp( op, "client_disconnect" ) == 0 )
        netcode_client_disconnect( end->client );
    else
        return 0;
    client_reply( end, reply );
    return 1;
}

/* The server. */

static void server_client_changed( void * context, int slot, int connected )
{
    struct end * end = (struct end *) context;
    const uint8_t * user_data = (const uint8_t *) netcode_server_client_user_data( end->server, slot );
    put_item( &end->events );
    put_int( &end->events, "{\"slot\": ", slot );
    put( &end->events, connected ? ", \"connected\": true" : ", \"connected\": false" );
    put_wide( &end->events, ", \"client_id\": ", "0x%016llx", netcode_server_client_id( end->server, slot ) );
    put_int( &end->events, ", \"reason\": ", netcode_server_client_disconnect_reason( end->server, slot ) );
    put_hex( &end->events, ", \"user_data\": ", user_data, user_data ? NETCODE_USER_DATA_BYTES : 0 );
    put( &end->events, "}" );
}

static void server_create( struct end * end, const struct fields * fields )
{
    struct netcode_server_config_t config;
    end_close( end );
    netcode_default_server_config( &config );
    config.protocol_id = field_wide( fields, "protocol_id" );
    field_bytes( fields, "private_key", config.private_key, NETCODE_KEY_BYTES );
    config.max_connect_token_lifetime = field_int( fields, "max_token_lifetime" );
    config.callback_context = end;
    config.connect_disconnect_callback = server_client_changed;
    config.override_send_and_receive = 1;
    config.send_packet_override = end_send;
    config.receive_packet_override = end_receive;
    end->server = netcode_server_create( field( fields, "address" ), &config, field_double( fields, "time" ) );
    if ( !end->server )
        fail( "no server" );
    netcode_server_start( end->server, field_int( fields, "max_clients" ) );
}

static void server_reply( struct end * end, struct text * reply )
{
    int slot, bytes;
    uint64_t sequence;
    uint8_t * data;
    for ( slot = 0; slot < netcode_server_max_clients( end->server ); slot++ )
    {
        while ( ( data = netcode_server_receive_packet( end->server, slot, &bytes, &sequence ) ) != NULL )
        {
            put_item( &end->received );
            put_int( &end->received, "{\"slot\": ", slot );
            put_wide( &end->received, ", \"sequence\": ", "%llu", sequence );
            put_hex( &end->received, ", \"data\": ", data, bytes );
            put( &end->received, "}" );
            netcode_server_free_packet( end->server, data );
        }
    }
    put_int( reply, "{\"connected\": ", netcode_server_num_connected_clients( end->server ) );
    put_list( reply, ", \"sent\": ", &end->sent );
    put_list( reply, ", \"clients\": ", &end->events );
    put_list( reply, ", \"received\": ", &end->received );
    put( reply, "}" );
}

static int server_answer( struct end * end, const char * op, const struct fields * fields, struct text * reply )
{
    if ( strcmp( op, "server_start" ) == 0 )
        server_create( end, fields );
    else if ( !end->server )
        fail( "no server" );
    else if ( strcmp( op, "server_feed" ) == 0 )
    {
        feed( end, fields, reply );
        return 1;
    }
    else if ( strcmp( op, "server_update" ) == 0 )
        netcode_server_update( end->server, field_double( fields, "time" ) );
    else if ( strcmp( op, "server_send" ) == 0 )
    {
        uint8_t data[NETCODE_MAX_PACKET_SIZE];
        int bytes = field_bytes( fields, "data", data, NETCODE_MAX_PACKET_SIZE );
        int slot = field_int( fields, "slot" ), count = atoi( field_or( fields, "count", "1" ) );
        while ( count-- > 0 )
        {
            end->sent.length = 0;
            netcode_server_send_packet( end->server, slot, data, bytes );
        }
    }
    else if ( strcmp( op, "server_disconnect" ) == 0 )
    {
        int slot = field_int( fields, "slot" );
        if ( netcode_server_client_connected( end->server, slot ) )
            netcode_server_disconnect_client( end->server, slot );
    }
    else if ( strcmp( op, "server_restart" ) == 0 )
        netcode_server_start( end->server, field_int( fields, "max_clients" ) );
    else if ( strcmp( op, "server_stop" ) == 0 )
        netcode_server_stop( end->server );
    else
        return 0;
    server_reply( end, reply );
    return 1;
}

/* What needs neither. */

static void parse_address( const struct fields * fields, struct text * reply )
{
    struct netcode_address_t address;
    uint8_t ip[16];
    int i;
    if ( netcode_parse_address( field( fields, "text" ), &address ) != NETCODE_OK )
    {
        put( reply, "{\"ok\": false}" );
        return;
    }
    for ( i = 0; i < 8; i++ )
    {
        ip[2 * i] = (uint8_t) ( address.data.ipv6[i] >> 8 );
        ip[2 * i + 1] = (uint8_t) address.data.ipv6[i];
    }
    if ( address.type == NETCODE_ADDRESS_IPV4 )
        memcpy( ip, address.data.ipv4, 4 );
    put_int( reply, "{\"ok\": true, \"type\": ", address.type );
    put_int( reply, ", \"port\": ", address.port );
    put_hex( reply, ", \"ip\": ", ip, address.type == NETCODE_ADDRESS_IPV4 ? 4 : 16 );
    put_address( reply, ", \"text\": ", &address );
    put( reply, "}" );
}

static void note_deliveries( struct netcode_network_simulator_t * simulator, struct netcode_address_t * to, const char * letter, int tick, struct text * deliveries )
{
    uint8_t * data[1];
    int bytes[1];
    struct netcode_address_t from[1];
    while ( netcode_network_simulator_receive_packets( simulator, to, 1, data, bytes, from ) == 1 )
    {
        put_int( deliveries, deliveries->length > 0 ? " " : "", tick );
        put_int( deliveries, letter, data[0][0] | data[0][1] << 8 );
        free( data[0] );
    }
}

static void simulate( const struct fields * fields, struct text * reply )
{
    struct netcode_network_simulator_t * simulator = netcode_network_simulator_create( NULL, NULL, NULL );
    struct netcode_address_t a, b;
    struct text deliveries;
    int tick, i, ticks = field_int( fields, "ticks" ), sends = field_int( fields, "sends" ), number = 0;
    memset( &deliveries, 0, sizeof( deliveries ) );
    if ( !simulator )
        fail( "no simulator" );
    address_of( "127.0.0.1:1", &a );
    address_of( "[::1]:2", &b );
    simulator->latency_milliseconds = (float) field_double( fields, "latency_milliseconds" );
    simulator->jitter_milliseconds = (float) field_double( fields, "jitter_milliseconds" );
    simulator->packet_loss_percent = (float) field_double( fields, "packet_loss_percent" );
    simulator->duplicate_packet_percent = (float) field_double( fields, "duplicate_packet_percent" );
    for ( tick = 1; tick <= ticks; tick++ )
    {
        netcode_network_simulator_update( simulator, tick * field_double( fields, "tick_seconds" ) );
        note_deliveries( simulator, &a, "A", tick, &deliveries );
        note_deliveries( simulator, &b, "B", tick, &deliveries );
        for ( i = field_int( fields, "sends_per_tick" ); i > 0 && number < sends; i--, number++ )
        {
            uint8_t data[8] = { 0 };
            data[0] = (uint8_t) number;
            data[1] = (uint8_t) ( number >> 8 );
            netcode_network_simulator_send_packet( simulator, number % 3 == 0 ? &b : &a, number % 3 == 0 ? &a : &b, data, 2 + number % 7 );
        }
    }
    netcode_network_simulator_destroy( simulator );
    put( reply, "{\"deliveries\": \"" );
    put_bytes( reply, deliveries.data ? deliveries.data : "", deliveries.length );
    put( reply, "\"}" );
    free( deliveries.data );
}

static int answer( const char * op, const struct fields * fields, struct text * reply )
{
    if ( strcmp( op, "hello" ) == 0 )
        put( reply, "{\"name\": \"netcode, C library\", \"reasons\": false}" );
    else if ( strcmp( op, "reset" ) == 0 )
    {
        end_close( &client_end );
        end_close( &server_end );
        put( reply, "{}" );
    }
    else if ( strncmp( op, "client_", 7 ) == 0 )
        return client_answer( &client_end, op, fields, reply );
    else if ( strncmp( op, "server_", 7 ) == 0 )
        return server_answer( &server_end, op, fields, reply );
    else if ( strcmp( op, "parse_address" ) == 0 )
        parse_address( fields, reply );
    else if ( strcmp( op, "simulate" ) == 0 )
        simulate( fields, reply );
    else
        return 0;
    return 1;
}

int main( void )
{
    static char line[MAX_LINE];
    struct text reply;
    memset( &reply, 0, sizeof( reply ) );
    if ( netcode_init() != NETCODE_OK )
        fail( "no library" );
    while ( fgets( line, sizeof( line ), stdin ) )
    {
        struct fields fields;
        if ( !strchr( line, '\n' ) )
            fail( "a line is too long" );
        read_fields( &fields, line );
        reply.length = 0;
        if ( !answer( field( &fields, "op" ), &fields, &reply ) )
            put( &reply, "{\"unsupported\": true}" );
        puts( reply.data );
        fflush( stdout );
    }
    end_close( &client_end );
    end_close( &server_end );
    netcode_term();
    free( reply.data );
    return 0;
}
