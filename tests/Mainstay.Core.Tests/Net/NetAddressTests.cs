using Mainstay.Core.Net;

namespace Mainstay.Core.Tests.Net;

public class NetAddressTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("fe80::", "fe80::")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    public void TryParse_Valid_IsWrittenInCanonicalForm(string text, string canonical)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        Assert.Equal(canonical, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("01.2.3.4")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.4.5")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("0x7f.0.0.1")]
    public void TryParse_Invalid_IsRefused(string text) => Assert.False(NetAddress.TryParse(text, out _));

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("2001:db8::/32", "2001:db8::1", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    public void Contains_Range_HoldsItsOwnFamilyOnly(string range, string candidate, bool expected)
    {
        Assert.True(AddressRange.TryParse(range, out AddressRange parsed));
        Assert.True(NetAddress.TryParse(candidate, out NetAddress address));
        Assert.Equal(expected, parsed.Contains(address));
    }

    [Theory]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("::1/0")]
    public void TryParse_RangeThatCannotBeMeant_IsRefused(string text) => Assert.False(AddressRange.TryParse(text, out _));
}
