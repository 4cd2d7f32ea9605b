using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>Native objects out of PEM text. They are the caller's to free.</summary>
internal static unsafe class PemObjects
{
    private const int ReasonNoStart = 108; // PEM_R_NO_START_LINE: the end of the file, where one was read before

    public static List<nint> Certificates(ReadOnlySpan<byte> pem, out string? broken) =>
        ReadAll(pem, bio => LibSsl.ReadCertificate(bio, null, null, 0), out broken);

    public static List<nint> Revocations(ReadOnlySpan<byte> pem, out string? broken) =>
        ReadAll(pem, bio => LibSsl.ReadRevocations(bio, null, null, 0), out broken);

    /// <summary>0 with the reason. An encrypted key is refused: there is nobody to ask for its password.</summary>
    public static nint Key(ReadOnlySpan<byte> pem, out string reason)
    {
        reason = "";
        LibSsl.ClearErrors();
        fixed (byte* start = pem)
        {
            delegate* unmanaged[Cdecl]<byte*, int, int, nint, int> none = &NoPassword;
            nint bio = LibSsl.MemoryReader(start, pem.Length);
            nint key = LibSsl.ReadKey(bio, null, none, 0);
            _ = LibSsl.BioFree(bio);
            if (key != 0) return key;
        }

        bool isEncrypted = pem.IndexOf("ENCRYPTED"u8) >= 0;
        nuint code = LibSsl.TakeError();
        bool isMissing = LibSsl.Reason(code) == ReasonNoStart || pem.IndexOf("PRIVATE KEY-----"u8) < 0;
        reason = isEncrypted ? "the key is encrypted; store it without a password, readable by its owner only"
            : isMissing ? "there is no private key in it" : LibSsl.ReasonOf(code);
        LibSsl.ClearErrors();
        return 0;
    }

    private static List<nint> ReadAll(ReadOnlySpan<byte> pem, Func<nint, nint> read, out string? broken)
    {
        broken = null;
        var found = new List<nint>();
        LibSsl.ClearErrors();
        fixed (byte* start = pem)
        {
            nint bio = LibSsl.MemoryReader(start, pem.Length);
            while (read(bio) is not 0 and var one) found.Add(one);
            _ = LibSsl.BioFree(bio);
        }

        nuint code = LibSsl.TakeError();
        if (LibSsl.Reason(code) != ReasonNoStart) broken = LibSsl.ReasonOf(code);
        LibSsl.ClearErrors();
        return found;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int NoPassword(byte* buffer, int size, int isWriting, nint argument) => -1;
}
