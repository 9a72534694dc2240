using System;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace Netcode
{
    /// <summary>
    /// What is not of any one client or server. It may be called from any thread. The library is initialised by the first
    /// call of anything in this namespace.
    /// </summary>
    public static unsafe class NetcodeLibrary
    {
        static readonly object Lock = new object();
        static bool s_ready;
        static Action<string> s_log;
        static Action<string> s_assertFailed;

        /// <summary>The version of the header that this was made from.</summary>
        public const string Version = NetcodeNative.NETCODE_VERSION_FULL;

        /// <summary>Largest payload, in bytes.</summary>
        public const int MaxPacketSize = NetcodeNative.NETCODE_MAX_PACKET_SIZE;

        /// <summary>Most clients of a server.</summary>
        public const int MaxClients = NetcodeNative.NETCODE_MAX_CLIENTS;

        /// <summary>Size of a key.</summary>
        public const int KeyBytes = NetcodeNative.NETCODE_KEY_BYTES;

        /// <summary>Size of the application data in a connect token.</summary>
        public const int UserDataBytes = NetcodeNative.NETCODE_USER_DATA_BYTES;

        /// <summary>Seconds since it was first asked, on a clock that never goes back: what Update() uses.</summary>
        public static double Time
        {
            get
            {
                EnsureReady();
                return NetcodeNative.netcode_time();
            }
        }

        /// <summary>Blocks this thread for some seconds.</summary>
        public static void Sleep(double seconds)
        {
            EnsureReady();
            NetcodeNative.netcode_sleep(seconds);
        }

        /// <summary>Fills data with random bytes of the operating system, fit for keys.</summary>
        public static void RandomBytes(Span<byte> data)
        {
            EnsureReady();
            fixed (byte* pointer = &MemoryMarshal.GetReference(data))
            {
                if (data.Length > 0)
                    NetcodeNative.netcode_random_bytes(pointer, data.Length);
            }
        }

        /// <summary>A new random private key.</summary>
        public static byte[] NewKey()
        {
            var key = new byte[KeyBytes];
            RandomBytes(key);
            return key;
        }

        /// <summary>Has sockets that are created from now on mark their packets for expedited forwarding.</summary>
        public static void EnablePacketTagging()
        {
            EnsureReady();
            NetcodeNative.netcode_enable_packet_tagging();
        }

        /// <summary>
        /// Sets how much is logged, and where to: log gets one message a call, without the line end, on the thread that
        /// has something to say. Without log, messages go to the standard output, which Unity does not show.
        /// </summary>
        public static void SetLog(LogLevel level, Action<string> log = null)
        {
            EnsureReady();
            lock (Lock)
            {
                s_log = log;
                NetcodeNative.netcode_set_printf_function(log == null ? IntPtr.Zero : PrintfPointer());
                NetcodeNative.netcode_log_level((int)level);
                ResetHooksWhenUnloaded();
            }
        }

        /// <summary>
        /// Sets what hears of assertions that fail, which only debug builds of the library check. Without it the process
        /// is aborted then. Exceptions of the handler are dropped.
        /// </summary>
        public static void SetAssertHandler(Action<string> assertFailed)
        {
            EnsureReady();
            lock (Lock)
            {
                s_assertFailed = assertFailed;
                NetcodeNative.netcode_set_assert_function(
                    assertFailed == null ? IntPtr.Zero : Marshal.GetFunctionPointerForDelegate(AssertDelegate));
                ResetHooksWhenUnloaded();
            }
        }

        /// <summary>
        /// Comes before all other calls. The library stays initialised: that is a count, and costs nothing.
        /// </summary>
        internal static void EnsureReady()
        {
            if (Volatile.Read(ref s_ready))
                return;
            NativeLayout.Check();
            if (NetcodeNative.netcode_init() != NetcodeNative.NETCODE_OK)
                throw new NetcodeException("the netcode library cannot be initialised: the system has no sockets");
            Volatile.Write(ref s_ready, true);
        }

        internal static byte[] Utf8(string text)
        {
            if (text == null)
                throw new ArgumentNullException(nameof(text));
            return Encoding.UTF8.GetBytes(text + "\0");
        }

        internal static string FromUtf8(byte* text)
        {
            if (text == null)
                return "";
            int bytes = 0;
            while (text[bytes] != 0)
                bytes++;
            return Encoding.UTF8.GetString(text, bytes);
        }

        // ---- hooks ----

        // C calls printf( "%s", text ), and C# has no delegates with "...". In all calling conventions but one, two
        // plain arguments are passed alike.
        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        delegate int Printf(byte* format, byte* text);

        // On Apple's ARM systems what stands for "..." is on the stack, as is the ninth plain argument.
        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        delegate int PrintfOnStack(byte* format, IntPtr x1, IntPtr x2, IntPtr x3, IntPtr x4, IntPtr x5, IntPtr x6, IntPtr x7, byte* text);

        // C has pointers to these, so they have to live.
        static readonly Printf PrintfDelegate = OnPrintf;
        static readonly PrintfOnStack PrintfOnStackDelegate = OnPrintfOnStack;
        static readonly NetcodeNative.netcode_assert_function AssertDelegate = OnAssert;
        static bool s_resetRegistered;

        static IntPtr PrintfPointer()
        {
            bool apple = RuntimeInformation.IsOSPlatform(OSPlatform.OSX) || RuntimeInformation.IsOSPlatform(OSPlatform.Create("IOS"));
#if (UNITY_IOS || UNITY_TVOS || UNITY_VISIONOS) && !UNITY_EDITOR
            apple = true;
#endif
            return apple && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
                ? Marshal.GetFunctionPointerForDelegate(PrintfOnStackDelegate)
                : Marshal.GetFunctionPointerForDelegate(PrintfDelegate);
        }

        /// <summary>
        /// Unity's editor unloads and reloads C# while the C library stays, with what it has been told to call.
        /// </summary>
        static void ResetHooksWhenUnloaded()
        {
            if (s_resetRegistered)
                return;
            s_resetRegistered = true;
            AppDomain.CurrentDomain.DomainUnload += (sender, arguments) =>
            {
                NetcodeNative.netcode_set_printf_function(IntPtr.Zero);
                NetcodeNative.netcode_set_assert_function(IntPtr.Zero);
            };
        }

        [AOT.MonoPInvokeCallback(typeof(Printf))]
        static int OnPrintf(byte* format, byte* text)
        {
            try
            {
                s_log?.Invoke(FromUtf8(text).TrimEnd('\n'));
            }
            catch (Exception)
            {
                // An exception must not pass through C, and there is nobody to tell.
            }
            return 0;
        }

        [AOT.MonoPInvokeCallback(typeof(PrintfOnStack))]
        static int OnPrintfOnStack(byte* format, IntPtr x1, IntPtr x2, IntPtr x3, IntPtr x4, IntPtr x5, IntPtr x6, IntPtr x7, byte* text)
        {
            return OnPrintf(format, text);
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_assert_function))]
        static void OnAssert(byte* condition, byte* function, byte* file, int line)
        {
            try
            {
                s_assertFailed?.Invoke(FromUtf8(function) + ": " + FromUtf8(condition) + " (" + FromUtf8(file) + ":" + line + ")");
            }
            catch (Exception)
            {
                // As above.
            }
        }
    }
}
