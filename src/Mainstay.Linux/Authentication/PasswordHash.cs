using System.Runtime.InteropServices;
using System.Text;

namespace Mainstay.Linux.Authentication;

/// <summary>
/// crypt(3) of the machine's libcrypt: bcrypt, SHA-256, SHA-512, yescrypt. A call takes milliseconds to seconds, as the hash's cost says:
/// never on a loop. Any thread.
/// </summary>
public static unsafe partial class PasswordHash
{
    private const string Library = "libcrypt.so.1";

    /// <summary>struct crypt_data of libxcrypt: 32 KiB; glibc's own, which knows no bcrypt, is larger.</summary>
    private const int ScratchBytes = 128 * 1024;

    /// <summary>Null when the library is there; else what is missing and what to do.</summary>
    public static string? Missing { get; } = NativeLibrary.TryLoad(Library, out _)
        ? null
        : $"{Library} not found; install it with 'apt install libcrypt1' (Debian, Ubuntu) or 'dnf install libxcrypt'";

    /// <summary>The hash of a password with the salt and cost of another hash; null when the library does not know its kind.</summary>
    /// <param name="password">Without NUL.</param>
    public static string? Compute(ReadOnlySpan<byte> password, string setting)
    {
        if (Missing is not null || password.Contains((byte)0)) return null;
        byte[] phrase = [.. password, 0];
        byte[] salt = [.. Encoding.ASCII.GetBytes(setting), 0];
        byte* scratch = (byte*)NativeMemory.AllocZeroed(ScratchBytes);
        try
        {
            fixed (byte* phraseAt = phrase, saltAt = salt)
            {
                byte* hash = Crypt(phraseAt, saltAt, scratch);

                // A failure is a text that begins with '*' and is no hash (crypt(3)).
                return hash is null || *hash == '*' ? null : Marshal.PtrToStringUTF8((nint)hash);
            }
        }
        finally
        {
            CryptographicallyClear(scratch);
            NativeMemory.Free(scratch);
            Array.Clear(phrase);
        }
    }

    private static void CryptographicallyClear(byte* scratch) =>
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(new Span<byte>(scratch, ScratchBytes));

    [LibraryImport(Library, EntryPoint = "crypt_r")]
    private static partial byte* Crypt(byte* phrase, byte* setting, byte* scratch);
}
