// Declarations of Unity's own that the package uses, just enough to compile and run it without Unity.
using System;
using System.Collections.Generic;
using System.Linq;

namespace UnityEngine
{
    public class Object { }
    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }
        public T GetComponent<T>() => gameObject.GetComponent<T>();
    }
    public class Behaviour : Component { public bool enabled { get; set; } = true; }
    public class MonoBehaviour : Behaviour { }

    public sealed class GameObject : Object
    {
        readonly List<Component> _components = new List<Component>();

        public T GetComponent<T>() => _components.OfType<T>().FirstOrDefault();

        public T AddComponent<T>() where T : Component, new()
        {
            var component = new T { gameObject = this };
            _components.Add(component);
            return component;
        }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute { public TooltipAttribute(string tooltip) { } }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class RangeAttribute : Attribute { public RangeAttribute(float min, float max) { } }

    public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string name) { } }

    public static class Debug
    {
        public static string LastMessage = "", LastError = "";
        public static void Log(object message) { LastMessage = message.ToString(); }
        public static void LogWarning(object message) { Console.WriteLine(message); }
        public static void LogError(object message) { LastError = message.ToString(); }
    }

    public static class Time
    {
        public static float realtimeSinceStartup => Environment.TickCount / 1000.0f;
    }

    public enum RuntimePlatform { LinuxPlayer, WebGLPlayer }

    public static class Application
    {
        public static RuntimePlatform platform => RuntimePlatform.LinuxPlayer;
    }
}

namespace AOT
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class MonoPInvokeCallbackAttribute : Attribute
    {
        public MonoPInvokeCallbackAttribute(Type type) { }
    }
}

namespace Unity.Collections
{
    public enum Allocator { Temp = 2, Persistent = 4 }

    public unsafe struct NativeArray<T> : IDisposable where T : struct
    {
        internal IntPtr Memory;
        public int Length { get; private set; }

        // Of bytes only; that is all that the package uses.
        public NativeArray(int length, Allocator allocator)
        {
            Memory = System.Runtime.InteropServices.Marshal.AllocHGlobal(length);
            Length = length;
        }

        public void Dispose() { System.Runtime.InteropServices.Marshal.FreeHGlobal(Memory); }
    }
}

namespace Unity.Collections.LowLevel.Unsafe
{
    public static unsafe class NativeArrayUnsafeUtility
    {
        public static void* GetUnsafePtr<T>(NativeArray<T> array) where T : struct => (void*)array.Memory;
        public static void* GetUnsafeReadOnlyPtr<T>(NativeArray<T> array) where T : struct => (void*)array.Memory;
    }
}
