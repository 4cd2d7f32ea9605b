using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Tests.Protection;

public class KeyHashTests
{
    /// <summary>What CPython 3.11 hashes bytes to without a secret (PYTHONHASHSEED=0): it uses the same function.</summary>
    [Theory]
    [InlineData("00", 0x68A914128E01E473UL)]
    [InlineData("0001020304050607", 0xEAD411E67EBE2EEAUL)]
    [InlineData("000102030405060708090a0b0c0d0e", 0xF30EB725BB91C9EAUL)]
    public void Of_WithoutSecret_GivesTheReferenceValue(string hex, ulong expected) =>
        Assert.Equal(expected, new KeyHash(0).Of(Convert.FromHexString(hex)));

    /// <summary>The first values of the function's published test vectors, whose secret is the bytes 0 to 15.</summary>
    [Theory]
    [InlineData("", 0xABAC0158050FC4DCUL)]
    [InlineData("00", 0xC9F49BF37D57CA93UL)]
    [InlineData("0001020304050607", 0x369095118D299A8EUL)]
    public void Of_ReferenceSecret_GivesTheReferenceValue(string hex, ulong expected) =>
        Assert.Equal(expected, new KeyHash(new UInt128(0x0F0E0D0C0B0A0908, 0x0706050403020100)).Of(Convert.FromHexString(hex)));

    [Fact]
    public void Of_AnotherSecret_GivesAnotherValue()
    {
        NetAddress address = NetAddress.V4(0x01020304);
        Assert.NotEqual(new KeyHash(1).Of(address), new KeyHash(2).Of(address));
    }

    [Fact]
    public void Of_FamiliesAndOrder_AreDistinguished()
    {
        var hash = new KeyHash(5);
        NetAddress.TryParse("::102:304", out NetAddress v6);
        Assert.NotEqual(hash.Of(NetAddress.V4(0x01020304)), hash.Of(v6));
        Assert.NotEqual(hash.Join(1, 2), hash.Join(2, 1));
    }
}
