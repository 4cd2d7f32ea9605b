using System.Text;
using Mainstay.Core.Authentication;

namespace Mainstay.Core.Tests.Authentication;

public class PasswordTests
{
    /// <summary>Made with `openssl passwd -apr1 -salt SALT PASSWORD`.</summary>
    [Theory]
    [InlineData("secret", "abcdefgh", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/")]
    [InlineData("", "x", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/")]
    [InlineData("a password longer than sixteen bytes, and than thirty-two", "12345678", "$apr1$12345678$T.uJ5RWiHIAlHUvNYf7MI.")]
    public void Apr1_OpensslsHash_IsTheSame(string password, string salt, string expected) =>
        Assert.Equal(expected, Apr1.Hash(Encoding.UTF8.GetBytes(password), $"$apr1${salt}$anything"));

    [Fact]
    public void Htpasswd_LinesOfAllSafeKinds_AreRead()
    {
        const string text = """
            # people
            ada:$2y$05$abcdefghijklmnopqrstuuO1cZ8UeGvLcBfzdj9K2p1nXKq1oHq9G
            bob:$apr1$abcdefgh$0123456789012345678901

            eve:$6$salt$hash:a comment
            ada:$apr1$second$is-not-used
            """;
        Assert.True(Htpasswd.TryRead(text, out Htpasswd? file, out string problem), problem);
        Assert.Equal(3, file.Count);
        Assert.True(file.TryFind("ada", out PasswordEntry? ada));
        Assert.Equal(PasswordScheme.Crypt, ada.Scheme);
        Assert.True(file.TryFind("eve", out PasswordEntry? eve));
        Assert.Equal("$6$salt$hash", eve.Hash);
        Assert.Equal(ada, file.Decoy);
        Assert.False(file.TryFind("Ada", out _));
    }

    [Theory]
    [InlineData("ada:plain", "line 1: the hash of ada")]
    [InlineData("ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "line 1: the hash of ada")]
    [InlineData("ada:$1$salt$hash", "line 1: the hash of ada")]
    [InlineData("\n\nno colon", "line 3 is not name:hash")]
    [InlineData(":$6$a$b", "line 1 is not name:hash")]
    public void Htpasswd_LineThatCannotBeUsed_IsNamed(string text, string expected)
    {
        Assert.False(Htpasswd.TryRead(text, out _, out string problem));
        Assert.StartsWith(expected, problem);
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz", "user", "pass")]
    [InlineData("bAsIc   dXNlcjo=", "user", "")]
    [InlineData("Basic dXNlcjphOmI6Yw==", "user", "a:b:c")]
    public void Basic_Value_IsRead(string value, string user, string password)
    {
        Span<byte> room = stackalloc byte[BasicCredentials.MaxLength];
        Assert.True(BasicCredentials.TryRead(Encoding.ASCII.GetBytes(value), room, out BasicCredentials credentials));
        Assert.Equal(user, Encoding.UTF8.GetString(credentials.User));
        Assert.Equal(password, Encoding.UTF8.GetString(credentials.Password));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basicx dXNlcjpwYXNz")]
    [InlineData("Bearer dXNlcjpwYXNz")]
    [InlineData("Basic dXNlcg==")]
    [InlineData("Basic OnBhc3M=")]
    [InlineData("Basic dXNlcjpw\tYXNz")]
    [InlineData("Basic dXNlcjpwYXNz, Basic x")]
    [InlineData("Basic dXNlcjpwAA==")]
    [InlineData("Basic !!!!")]
    public void Basic_AnythingElse_IsRefused(string value)
    {
        Span<byte> room = stackalloc byte[BasicCredentials.MaxLength];
        Assert.False(BasicCredentials.TryRead(Encoding.ASCII.GetBytes(value), room, out _));
    }

    [Fact]
    public void Basic_RandomBytes_NeverThrowsAndNeverPassesTheRoom()
    {
        var random = new Random(5);
        byte[] room = new byte[BasicCredentials.MaxLength];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] value = new byte[random.Next(2000)];
            random.NextBytes(value);
            if (random.Next(2) == 0) value = Encoding.ASCII.GetBytes("Basic " + Convert.ToBase64String(value));
            BasicCredentials.TryRead(value, room, out _);
        }
    }
}
