/// \file
/// What has happened in a session and has not been told yet.
///
/// Tested without the engine, by bindings/unreal/tests.

#ifndef NETCODE_CORE_EVENTS_HPP
#define NETCODE_CORE_EVENTS_HPP

#include <cstddef>
#include <utility>
#include <vector>

namespace netcode_core
{

/// Collects events while the library runs, and tells them when it does not: what is told may then call the session.
/// Memory is kept, so that nothing is allocated once the most events have been seen.
template <class Event> class event_queue
{
public:
    void add( const Event & event ) { waiting_.push_back( event ); }
    void clear() noexcept { waiting_.clear(); }
    [[nodiscard]] bool telling() const noexcept { return telling_; }

    /// Tells all, those that come up meanwhile included. Does nothing if called by what is told: the outer call goes on.
    template <class Tell> void tell( Tell && each )
    {
        if ( telling_ )
            return;
        telling_ = true;
        while ( !waiting_.empty() )
        {
            std::swap( waiting_, being_told_ );
            for ( const Event & event : being_told_ )
                each( event );
            being_told_.clear();
        }
        telling_ = false;
    }

    /// As tell, for anything else that runs the program's code: events wait until it is over.
    template <class Run> void hold( Run && run )
    {
        const bool before = std::exchange( telling_, true );
        run();
        telling_ = before;
    }

private:
    std::vector<Event> waiting_, being_told_;
    bool telling_ = false;
};

} // namespace netcode_core

#endif
