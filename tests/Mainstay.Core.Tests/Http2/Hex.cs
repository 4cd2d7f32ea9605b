namespace Mainstay.Core.Tests.Http2;

internal static class Hex
{
    /// <summary>Bytes of hexadecimal digits in any grouping.</summary>
    public static byte[] Bytes(string digits) => Convert.FromHexString(digits.Replace(" ", "").Replace("\n", "").Replace("\r", ""));
}
