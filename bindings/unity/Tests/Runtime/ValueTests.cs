using System;
using System.Collections.Generic;
using System.Net;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class ValueTests
    {
        [Test]
        public void AddressesAreReadAndWritten()
        {
            foreach (string text in new[] { "1.2.3.4:40000", "1.2.3.4", "::1", "[::1]:40000", "[fe80::202:b3ff:fe1e:8329]:1" })
            {
                NetcodeAddress address = NetcodeAddress.Parse(text);
                Assert.AreEqual(text, address.ToString());
                Assert.AreEqual(address, NetcodeAddress.FromEndPoint(address.ToEndPoint()));
            }
            Assert.AreEqual(AddressType.IPv6, NetcodeAddress.Parse("::1").Type);
            Assert.AreEqual(40000, NetcodeAddress.Parse("1.2.3.4:40000").Port);
            Assert.AreEqual("10.0.0.7:9", NetcodeAddress.FromEndPoint(new IPEndPoint(IPAddress.Parse("10.0.0.7"), 9)).ToString());
            Assert.AreEqual("NONE", default(NetcodeAddress).ToString());
            Assert.AreEqual("[::1]:5", NetcodeAddress.Parse("::1").WithPort(5).ToString());
        }

        [Test]
        public void WhatIsNoAddressIsRefused()
        {
            NetcodeAddress address;
            foreach (string text in new[] { "", "nonsense", "1.2.3", "1.2.3.4:99999", "1.2.3.4\0", "ü.2.3.4", null })
                Assert.IsFalse(NetcodeAddress.TryParse(text, out address), text);
            Assert.Throws<FormatException>(() => NetcodeAddress.Parse("nonsense"));
            Assert.Throws<ArgumentNullException>(() => NetcodeAddress.Parse(null));
            Assert.Throws<InvalidOperationException>(() => default(NetcodeAddress).ToEndPoint());
            Assert.Throws<ArgumentOutOfRangeException>(() => default(NetcodeAddress).WithPort(65536));
        }

        [Test]
        public void AddressesAreCompared()
        {
            NetcodeAddress one = NetcodeAddress.Parse("1.2.3.4:5"), same = NetcodeAddress.Parse("1.2.3.4:5");
            Assert.IsTrue(one == same && one.Equals((object)same) && one.GetHashCode() == same.GetHashCode());
            Assert.IsTrue(one != NetcodeAddress.Parse("1.2.3.4:6") && one != NetcodeAddress.Parse("1.2.3.5:5"));
            Assert.IsFalse(one.Equals("1.2.3.4:5"));
        }

        [Test]
        public void TokensAreMadeAndCopied()
        {
            byte[] key = NetcodeLibrary.NewKey();
            using (ConnectToken token = ConnectToken.Generate(new[] { "1.2.3.4:5", "[::1]:6" }, new[] { "10.0.0.1:5", "10.0.0.2:6" },
                30, 5, 1, 2, key, new byte[256]))
            using (var copy = new ConnectToken(token.ToArray()))
            {
                CollectionAssert.AreEqual(token.ToArray(), copy.ToArray());
                var room = new byte[ConnectToken.Bytes + 1];
                copy.CopyTo(room);
                Assert.AreEqual((byte)'N', room[0]);
                Assert.Throws<ArgumentException>(() => copy.CopyTo(new byte[ConnectToken.Bytes - 1]));
            }
            Assert.Throws<ArgumentException>(() => new ConnectToken(new byte[ConnectToken.Bytes - 1]));
            Assert.Throws<NetcodeException>(() => ConnectToken.Generate("nonsense", 30, 5, 1, 2, key));
            Assert.Throws<ArgumentException>(() => ConnectToken.Generate(new string[0], null, 30, 5, 1, 2, key));
            Assert.Throws<ArgumentException>(() => ConnectToken.Generate(new string[33], null, 30, 5, 1, 2, key));
            Assert.Throws<ArgumentException>(() => ConnectToken.Generate(new[] { "1.2.3.4:5" }, new string[2], 30, 5, 1, 2, key));
            Assert.Throws<ArgumentNullException>(() => ConnectToken.Generate(new string[] { null }, null, 30, 5, 1, 2, key));
            Assert.Throws<ArgumentException>(() => ConnectToken.Generate("1.2.3.4:5", 30, 5, 1, 2, new byte[31]));
            Assert.Throws<ArgumentException>(() => ConnectToken.Generate("1.2.3.4:5", 30, 5, 1, 2, key, new byte[257]));
        }

        [Test]
        public void LayoutsAreThoseOfC()
        {
            NativeLayout.Check();
        }

        [Test]
        public void AWrongLayoutIsRefused()
        {
            for (int i = 0; i < NetcodeNative.Layouts.Length; i++)
            {
                int[] wrong = NetcodeNative.ActualLayouts();
                wrong[i] += 4;
                var exception = Assert.Throws<NetcodeException>(() => NativeLayout.CompareWithTable(wrong, NativeLayout.Model));
                StringAssert.Contains(NetcodeNative.Layouts[i].Struct, exception.Message);
            }
        }

        /// <summary>The test script compares the table with what C compilers make.</summary>
        [Test]
        public void LayoutsAreChosenByPointersAndAlignment()
        {
            Assert.AreEqual(LayoutModel.Wide, NativeLayout.ModelOf(8, 8));
            Assert.AreEqual(LayoutModel.Narrow, NativeLayout.ModelOf(4, 8));
            Assert.AreEqual(LayoutModel.NarrowX86, NativeLayout.ModelOf(4, 4));
            foreach (LayoutModel model in new[] { LayoutModel.Wide, LayoutModel.Narrow, LayoutModel.NarrowX86 })
            {
                int[] actual = Array.ConvertAll(NetcodeNative.Layouts, field => field.OffsetIn(model));
                NativeLayout.CompareWithTable(actual, model);
                foreach (LayoutModel other in new[] { LayoutModel.Wide, LayoutModel.Narrow, LayoutModel.NarrowX86 })
                {
                    if (other != model)
                        Assert.Throws<NetcodeException>(() => NativeLayout.CompareWithTable(actual, other));
                }
            }
        }

        [Test]
        public void WhatIsLoggedArrives()
        {
            var messages = new List<string>();
            NetcodeLibrary.SetLog(LogLevel.Info, messages.Add);
            try
            {
                using (var client = new NetcodeClient("127.0.0.1"))
                    Assert.IsTrue(messages.Count > 0, "nothing was logged");
                foreach (string message in messages)
                    Assert.IsTrue(message.Length > 0 && !message.EndsWith("\n"), message);
                NetcodeLibrary.SetLog(LogLevel.Info, message => { throw new FormatException(); });
                using (new NetcodeClient("127.0.0.1")) { }
            }
            finally
            {
                NetcodeLibrary.SetLog(LogLevel.None);
            }
            int before = messages.Count;
            using (new NetcodeClient("127.0.0.1"))
                Assert.AreEqual(before, messages.Count);
        }

        [Test]
        public void RandomBytesAndTime()
        {
            CollectionAssert.AreNotEqual(NetcodeLibrary.NewKey(), NetcodeLibrary.NewKey());
            NetcodeLibrary.RandomBytes(new byte[0]);
            double start = NetcodeLibrary.Time;
            NetcodeLibrary.Sleep(0.002);
            Assert.IsTrue(NetcodeLibrary.Time > start);
            Assert.AreEqual("1.4.8", NetcodeLibrary.Version);
        }
    }
}
