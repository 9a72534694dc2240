using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Netcode
{
    /// <summary>
    /// What clients and servers have in common: the C object behind them, and how it ends.
    ///
    /// Threads: use any one object from one thread at a time; different ones may be used from different threads. Events
    /// are raised on the thread whose call leads to them, within that call.
    ///
    /// Exceptions of event handlers do not pass through C: the first one is thrown when the call that led to the event
    /// is done. Dispose may be called any number of times, also by a handler of the object's own events: the object ends
    /// when the call that led to the event is done. Without Dispose the finalizer ends the object, on its own thread and
    /// without events, whenever the garbage collector sees fit; until then the socket stays open.
    /// </summary>
    public abstract class NetcodeObject : IDisposable
    {
        IntPtr _handle;
        GCHandle _self;
        int _depth;
        bool _disposeRequested, _destroying;
        ExceptionDispatchInfo _failure;

        internal NetcodeObject() { }

        ~NetcodeObject()
        {
            if (_handle == IntPtr.Zero)
                return;
            // When a domain is unloaded, what is still referred to is finalized, too, and _self leads back here: handlers
            // would run on the finalizer's thread.
            _self.Target = null;
            DestroyNative(_handle);
            Forget();
        }

        /// <summary>Whether it can no longer be used.</summary>
        public bool IsDisposed => _handle == IntPtr.Zero || _disposeRequested;

        /// <summary>Ends it: disconnects, raises the events of that, and closes the sockets.</summary>
        public void Dispose()
        {
            if (_handle == IntPtr.Zero || _destroying)
                return;
            if (_depth > 0)
                _disposeRequested = true;
            else
                Destroy();
        }

        /// <summary>What takes the place of sockets, if anything does.</summary>
        internal IDatagrams Datagrams { get; private protected set; }

        internal abstract void DestroyNative(IntPtr handle);

        internal IntPtr Handle
        {
            get
            {
                if (IsDisposed)
                    throw new ObjectDisposedException(GetType().Name);
                return _handle;
            }
        }

        /// <summary>The same for callbacks, which also come between Dispose and the end.</summary>
        internal IntPtr NativeHandle => _handle;

        /// <summary>What C passes to callbacks. It does not keep this object alive.</summary>
        internal IntPtr NewContext()
        {
            _self = GCHandle.Alloc(this, GCHandleType.Weak);
            return GCHandle.ToIntPtr(_self);
        }

        internal static T FromContext<T>(IntPtr context) where T : NetcodeObject
        {
            return GCHandle.FromIntPtr(context).Target as T;
        }

        /// <summary>From now on there is something to end. Without a handle the context is taken back.</summary>
        internal bool Begin(IntPtr handle)
        {
            if (handle == IntPtr.Zero)
            {
                _self.Free();
                return false;
            }
            _handle = handle;
            return true;
        }

        /// <summary>Begins a call that may lead to callbacks; Exit ends it.</summary>
        internal IntPtr Enter()
        {
            IntPtr handle = Handle;
            _depth++;
            return handle;
        }

        internal void Exit()
        {
            if (--_depth > 0)
                return;
            if (_disposeRequested)
                Destroy();
            else if (_failure != null)
                ThrowFailure();
        }

        /// <summary>Keeps what a handler threw, until C is left.</summary>
        internal void Failed(Exception exception)
        {
            if (_failure == null)
                _failure = ExceptionDispatchInfo.Capture(exception);
        }

        void Destroy()
        {
            _disposeRequested = false;      // handlers of the last events may still ask
            _destroying = true;
            _depth++;
            DestroyNative(_handle);
            _depth--;
            Forget();
            GC.SuppressFinalize(this);
            if (_failure != null)
                ThrowFailure();
        }

        void Forget()
        {
            _handle = IntPtr.Zero;
            _self.Free();
        }

        void ThrowFailure()
        {
            ExceptionDispatchInfo failure = _failure;
            _failure = null;
            failure.Throw();
        }
    }
}
