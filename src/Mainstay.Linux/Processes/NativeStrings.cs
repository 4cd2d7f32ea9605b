using System.Runtime.InteropServices;
using System.Text;

namespace Mainstay.Linux.Processes;

/// <summary>A null-terminated array of null-terminated UTF-8 strings, as execve takes it. Freed by <see cref="Dispose"/>.</summary>
internal readonly unsafe ref struct NativeStrings
{
    private readonly byte** _pointers;

    public NativeStrings(IReadOnlyList<string> strings)
    {
        int bytes = 0;
        foreach (string text in strings)
        {
            if (text.Contains('\0')) throw new ArgumentException("an argument or environment variable contains a NUL byte");
            bytes += Encoding.UTF8.GetByteCount(text) + 1;
        }

        int table = (strings.Count + 1) * sizeof(byte*);
        _pointers = (byte**)NativeMemory.Alloc((nuint)(table + bytes));
        byte* at = (byte*)_pointers + table;
        for (int i = 0; i < strings.Count; i++)
        {
            _pointers[i] = at;
            at += Encoding.UTF8.GetBytes(strings[i], new Span<byte>(at, bytes));
            *at++ = 0;
        }

        _pointers[strings.Count] = null;
    }

    public byte** Pointers => _pointers;

    /// <summary>The first string.</summary>
    public byte* First => _pointers[0];

    public void Dispose() => NativeMemory.Free(_pointers);
}
