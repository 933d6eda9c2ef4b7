namespace Akka.Util
{
    public class AtomicBoolean
    {
        private int _value;

        public AtomicBoolean(bool initialValue = false) => _value = initialValue ? 1 : 0;

        public bool Value
        {
            get => Volatile.Read(ref _value) == 1;
            set => Volatile.Write(ref _value, value ? 1 : 0);
        }

        public bool CompareAndSet(bool expected, bool newValue)
        {
            var old = expected ? 1 : 0;
            return Interlocked.CompareExchange(ref _value, newValue ? 1 : 0, old) == old;
        }

        public bool GetAndSet(bool newValue) => Interlocked.Exchange(ref _value, newValue ? 1 : 0) == 1;

        public static implicit operator bool(AtomicBoolean atomicBoolean) => atomicBoolean.Value;
    }

    public class AtomicReference<T> where T : class
    {
        protected T atomicValue;

        public AtomicReference()
        {
        }

        public AtomicReference(T originalValue) => atomicValue = originalValue;

        public T Value
        {
            get => Volatile.Read(ref atomicValue);
            set => Volatile.Write(ref atomicValue, value);
        }

        public bool CompareAndSet(T expected, T newValue) =>
            ReferenceEquals(Interlocked.CompareExchange(ref atomicValue, newValue, expected), expected);

        public T GetAndSet(T newValue) => Interlocked.Exchange(ref atomicValue, newValue);

        public static implicit operator T(AtomicReference<T> atomicReference) => atomicReference.Value;
    }
}

namespace Akka.Util.Internal
{
    public interface IAtomicCounter<T>
    {
        T Current { get; }

        T Next();

        T GetAndIncrement();

        T IncrementAndGet();

        T AddAndGet(T amount);

        T GetAndAdd(T amount);

        void Reset();
    }

    public class AtomicCounter : IAtomicCounter<int>
    {
        private int _value;

        public AtomicCounter()
        {
        }

        public AtomicCounter(int initialValue) => _value = initialValue;

        public int Current => Volatile.Read(ref _value);

        public int Next() => Interlocked.Increment(ref _value);

        public int IncrementAndGet() => Interlocked.Increment(ref _value);

        public int GetAndIncrement() => Interlocked.Increment(ref _value) - 1;

        public int Decrement() => Interlocked.Decrement(ref _value);

        public int DecrementAndGet() => Interlocked.Decrement(ref _value);

        public int GetAndDecrement() => Interlocked.Decrement(ref _value) + 1;

        public int AddAndGet(int amount) => Interlocked.Add(ref _value, amount);

        public int GetAndAdd(int amount) => Interlocked.Add(ref _value, amount) - amount;

        public int GetAndSet(int value) => Interlocked.Exchange(ref _value, value);

        public bool CompareAndSet(int expected, int newValue) => Interlocked.CompareExchange(ref _value, newValue, expected) == expected;

        public void Reset() => Interlocked.Exchange(ref _value, 0);
    }

    public class AtomicCounterLong : IAtomicCounter<long>
    {
        private long _value;

        public AtomicCounterLong()
        {
        }

        public AtomicCounterLong(long value) => _value = value;

        public long Current => Interlocked.Read(ref _value);

        public long Next() => Interlocked.Increment(ref _value);

        public long IncrementAndGet() => Interlocked.Increment(ref _value);

        public long GetAndIncrement() => Interlocked.Increment(ref _value) - 1;

        public long DecrementAndGet() => Interlocked.Decrement(ref _value);

        public long AddAndGet(long amount) => Interlocked.Add(ref _value, amount);

        public long GetAndAdd(long amount) => Interlocked.Add(ref _value, amount) - amount;

        public long GetAndSet(long value) => Interlocked.Exchange(ref _value, value);

        public bool CompareAndSet(long expected, long newValue) => Interlocked.CompareExchange(ref _value, newValue, expected) == expected;

        public void Reset() => Interlocked.Exchange(ref _value, 0);

        public override string ToString() => Current.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
