/* The network simulator, which programs declare themselves. */
#ifndef NETCODE_C_TESTS_FAULTS_SIMULATOR_H
#define NETCODE_C_TESTS_FAULTS_SIMULATOR_H

#include <netcode.h>

#if defined( __cplusplus )
extern "C" {
#endif

struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context, void * (*allocate)( void *, size_t ), void (*free)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * simulator, double time );

#if defined( __cplusplus )
}
#endif

#endif
