using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class KeepAliveTests
    {
        const byte Call = 0x28, CallVirtual = 0x6F;
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

        static readonly string[] Getters = { "get_Pointer", "get_Handle" };
        // Enter is itself followed by Exit.
        static readonly string[] Keepers = { "KeepAlive", "Exit" };

        /// <summary>
        /// Whoever takes an object's memory keeps the object until it is done: else the finalizer may free that memory
        /// meanwhile. That happens too seldom to be seen, so this looks at what the compiler has made.
        /// </summary>
        [Test]
        public void WhoeverTakesMemoryKeepsItsOwner()
        {
            int takers = 0;
            var forgetful = new List<string>();
            foreach (Type type in typeof(NetcodeLibrary).Assembly.GetTypes())
            {
                foreach (MethodBase method in type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors(Own)))
                {
                    List<string> called = CalledBy(method);
                    if (method.Name == "Enter" || !called.Any(name => Getters.Contains(name)))
                        continue;
                    takers++;
                    if (!called.Any(name => Keepers.Contains(name)))
                        forgetful.Add(type.Name + "." + method.Name);
                }
            }
            CollectionAssert.AreEqual(new string[0], forgetful);
            Assert.IsTrue(takers > 20, "methods: " + takers);
        }

        static List<string> CalledBy(MethodBase method)
        {
            var called = new List<string>();
            byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? new byte[0];
            for (int i = 0; i + 4 < code.Length; i++)
            {
                if (code[i] != Call && code[i] != CallVirtual)
                    continue;
                try
                {
                    called.Add(method.Module.ResolveMethod(BitConverter.ToInt32(code, i + 1)).Name);
                }
                catch (ArgumentException)
                {
                    // The byte was a part of something else.
                }
            }
            return called;
        }
    }
}
