using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>The examples of RFC 7541 appendix C, byte for byte.</summary>
public class HpackExamplesTests
{
    private const string FirstRequest = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com";
    private const string SecondRequest = FirstRequest + "\ncache-control: no-cache";
    private const string ThirdRequest =
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value";

    private const string FirstResponse = ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
    private const string SecondResponse = ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
    private const string ThirdResponse = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\n"
        + "content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

    [Theory]
    [InlineData("0a", 5, 10)]          // C.1.1
    [InlineData("1f 9a 0a", 5, 1337)]  // C.1.2
    [InlineData("2a", 8, 42)]          // C.1.3
    public void Rfc7541_C_1_Integers(string hex, int prefix, int expected)
    {
        byte[] bytes = Hex.Bytes(hex);
        int at = 0;
        Assert.True(HpackInteger.TryRead(bytes, ref at, prefix, out int value, out _));
        Assert.Equal((expected, bytes.Length), (value, at));
        byte[] written = new byte[HpackInteger.MaxLength];
        int length = HpackInteger.Write(written, prefix, 0, expected);
        Assert.Equal(bytes, written[..length]);
    }

    [Theory]
    [InlineData("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header")] // C.2.1
    [InlineData("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path")]                                      // C.2.2
    [InlineData("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret")]                                 // C.2.3
    [InlineData("82", ":method: GET")]                                                                             // C.2.4
    public void Rfc7541_C_2_Representations(string hex, string expected)
    {
        var tool = new HpackTool();
        Assert.Equal(expected, tool.DecodeText(hex));
        Assert.Equal(hex.StartsWith("10", StringComparison.Ordinal), tool.Fields[0].NeverIndexed);
    }

    [Fact]
    public void Rfc7541_C_3_RequestsWithoutHuffman()
    {
        var tool = new HpackTool();
        Assert.Equal(FirstRequest, tool.DecodeText("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"));
        Assert.Equal(SecondRequest, tool.DecodeText("8286 84be 5808 6e6f 2d63 6163 6865"));
        Assert.Equal(ThirdRequest, tool.DecodeText("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"));
    }

    [Fact]
    public void Rfc7541_C_4_RequestsWithHuffman()
    {
        var tool = new HpackTool();
        Assert.Equal(FirstRequest, tool.DecodeText("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"));
        Assert.Equal(SecondRequest, tool.DecodeText("8286 84be 5886 a8eb 1064 9cbf"));
        Assert.Equal(ThirdRequest, tool.DecodeText("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"));
    }

    /// <summary>A table of 256 octets: entries are evicted.</summary>
    [Fact]
    public void Rfc7541_C_5_ResponsesWithoutHuffman()
    {
        var tool = new HpackTool(256);
        Assert.Equal(FirstResponse, tool.DecodeText(
            "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e"
            + "1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"));
        Assert.Equal(SecondResponse, tool.DecodeText("4803 3330 37c1 c0bf"));
        Assert.Equal(ThirdResponse, tool.DecodeText(
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d"
            + "4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31"));
    }

    [Fact]
    public void Rfc7541_C_6_ResponsesWithHuffman()
    {
        var tool = new HpackTool(256);
        Assert.Equal(FirstResponse, tool.DecodeText(
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8"
            + "e9ae 82ae 43d3"));
        Assert.Equal(SecondResponse, tool.DecodeText("4883 640e ffc1 c0bf"));
        Assert.Equal(ThirdResponse, tool.DecodeText(
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960"
            + "d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07"));
    }
}
