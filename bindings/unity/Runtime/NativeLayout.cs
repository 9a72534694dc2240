using System;
using System.Runtime.InteropServices;

namespace Netcode
{
    /// <summary>The ways in which C lays structs out.</summary>
    internal enum LayoutModel
    {
        /// <summary>64-bit programs.</summary>
        Wide,
        /// <summary>32-bit programs that align a ulong to 8: ARM, and Windows.</summary>
        Narrow,
        /// <summary>32-bit programs that align it to 4: x86 under Unix, Android included.</summary>
        NarrowX86
    }

    /// <summary>Where a field is in C. The field "" stands for the end of the struct.</summary>
    internal readonly struct FieldLayout
    {
        public readonly string Struct, Field;
        readonly int _wide, _narrow, _narrowX86;

        public FieldLayout(string structName, string field, int wide, int narrow, int narrowX86)
        {
            Struct = structName;
            Field = field;
            _wide = wide;
            _narrow = narrow;
            _narrowX86 = narrowX86;
        }

        public int Offset => OffsetIn(NativeLayout.Model);

        public int OffsetIn(LayoutModel model)
        {
            return model == LayoutModel.Wide ? _wide : model == LayoutModel.Narrow ? _narrow : _narrowX86;
        }
    }

    /// <summary>
    /// Makes sure, before anything else is done, that C# and the library that was loaded mean the same bytes. C has no
    /// function that tells the size of a struct, so two of its functions are watched while they write one.
    /// </summary>
    internal static unsafe class NativeLayout
    {
        const int Slack = 64;
        const byte Untouched = 0xA5;

        /// <summary>That of this process, which aligns a ulong as the C compiler of the platform does.</summary>
        internal static readonly LayoutModel Model = ModelOf(IntPtr.Size, sizeof(Probe) - sizeof(ulong));

        internal static LayoutModel ModelOf(int pointerSize, int ulongAlignment)
        {
            return pointerSize == 8 ? LayoutModel.Wide : ulongAlignment == 8 ? LayoutModel.Narrow : LayoutModel.NarrowX86;
        }

        [StructLayout(LayoutKind.Sequential)]
        struct Probe
        {
            public int First;
            public ulong Second;
        }

        public static void Check()
        {
            CompareWithTable(NetcodeNative.ActualLayouts(), Model);
            WatchClientConfig();
            WatchServerConfig();
            WatchAddress();
        }

        /// <summary>C# against what the header says.</summary>
        internal static void CompareWithTable(int[] actual, LayoutModel model)
        {
            for (int i = 0; i < actual.Length; i++)
            {
                FieldLayout expected = NetcodeNative.Layouts[i];
                int offset = expected.OffsetIn(model);
                if (actual[i] != offset)
                    Fail(expected.Struct, expected.Field, "is at " + actual[i] + " and not at " + offset);
            }
        }

        static void WatchClientConfig()
        {
            const string name = "netcode_client_config_t";
            byte* room = stackalloc byte[sizeof(NetcodeNative.netcode_client_config_t) + Slack];
            Fill(room, sizeof(NetcodeNative.netcode_client_config_t) + Slack);
            NetcodeNative.netcode_default_client_config((NetcodeNative.netcode_client_config_t*)room);
            foreach (FieldLayout field in NetcodeNative.Layouts)
            {
                if (field.Struct == name && field.Field != "")
                    ExpectInt(name, field.Field, room + field.Offset, 0);
            }
            ExpectUntouched(name, room + sizeof(NetcodeNative.netcode_client_config_t), Slack);
        }

        static void WatchServerConfig()
        {
            const string name = "netcode_server_config_t";
            byte* room = stackalloc byte[sizeof(NetcodeNative.netcode_server_config_t) + Slack];
            Fill(room, sizeof(NetcodeNative.netcode_server_config_t) + Slack);
            NetcodeNative.netcode_default_server_config((NetcodeNative.netcode_server_config_t*)room);
            foreach (FieldLayout field in NetcodeNative.Layouts)
            {
                if (field.Struct != name || field.Field == "")
                    continue;
                if (field.Field == "protocol_id")
                    ExpectUntouched(name, room + field.Offset, sizeof(ulong));
                else if (field.Field == "private_key")
                    ExpectUntouched(name, room + field.Offset, NetcodeNative.NETCODE_KEY_BYTES);
                else if (field.Field == "max_connect_token_lifetime")
                    ExpectInt(name, field.Field, room + field.Offset, NetcodeNative.NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME);
                else
                    ExpectInt(name, field.Field, room + field.Offset, 0);
            }
            ExpectUntouched(name, room + sizeof(NetcodeNative.netcode_server_config_t), Slack);
        }

        static void WatchAddress()
        {
            const string name = "netcode_address_t";
            byte* room = stackalloc byte[sizeof(NetcodeNative.netcode_address_t) + Slack];
            Fill(room, sizeof(NetcodeNative.netcode_address_t) + Slack);
            byte* text = stackalloc byte[16];
            Write(text, "[1::8]:9");
            var address = (NetcodeNative.netcode_address_t*)room;
            if (NetcodeNative.netcode_parse_address(text, address) != NetcodeNative.NETCODE_OK)
                Fail(name, "", "cannot be parsed");
            if (address->data.ipv6[0] != 1 || address->data.ipv6[1] != 0 || address->data.ipv6[7] != 8)
                Fail(name, "data", "reads wrong");
            if (address->port != 9)
                Fail(name, "port", "reads " + address->port);
            if (address->type != NetcodeNative.NETCODE_ADDRESS_IPV6)
                Fail(name, "type", "reads " + address->type);
            ExpectUntouched(name, room + sizeof(NetcodeNative.netcode_address_t), Slack);
        }

        static void Write(byte* to, string text)
        {
            for (int i = 0; i < text.Length; i++)
                to[i] = (byte)text[i];
            to[text.Length] = 0;
        }

        static void Fill(byte* room, int bytes)
        {
            for (int i = 0; i < bytes; i++)
                room[i] = Untouched;
        }

        static void ExpectInt(string structName, string field, byte* at, int expected)
        {
            if (*(int*)at != expected)
                Fail(structName, field, "reads " + *(int*)at + " and not " + expected);
        }

        static void ExpectUntouched(string structName, byte* at, int bytes)
        {
            for (int i = 0; i < bytes; i++)
            {
                if (at[i] != Untouched)
                    Fail(structName, "", "is written where C# does not have it");
            }
        }

        static void Fail(string structName, string field, string how)
        {
            throw new NetcodeException("this netcode library does not go with these C# files: "
                + structName + (field == "" ? "" : "." + field) + " " + how);
        }
    }
}
