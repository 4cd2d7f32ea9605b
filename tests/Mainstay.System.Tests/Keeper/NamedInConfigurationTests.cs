using System.Text;
using Mainstay.Keeper;

namespace Mainstay.System.Tests.Keeper;

/// <summary>What a worker that was taken over cannot have the keeper open.</summary>
public class NamedInConfigurationTests
{
    private static readonly byte[] Configuration = Encoding.UTF8.GetBytes("""
        process: { state-directory: /srv/mainstay/ }
        admin: { socket: /run/lb/admin.sock }
        pools: { app: { servers: ["10.0.0.1:8081"] } }
        http: { web: { listen: ["0.0.0.0:80", "[::]:8443", "unix:/run/web.sock", unix:@hidden] } }
        """);

    [Theory]
    [InlineData("0.0.0.0:80", true)]
    [InlineData("[::]:8443", true)]
    [InlineData("udp:0.0.0.0:80", true)]
    [InlineData("unix:/run/web.sock", true)]
    [InlineData("unix:@hidden", true)]
    [InlineData("unix:/run/lb/admin.sock", true)]
    [InlineData("0.0.0.0:22", false)]
    [InlineData("0.0.0.0:8", false)] // a part of 80, 8443 and 8081
    [InlineData("0.0.0.0:443", false)]
    [InlineData("0.0.0.0:", false)]
    [InlineData("unix:/run/web", false)]
    [InlineData("unix:/web.sock", false)]
    [InlineData("unix:/etc/cron.d/x", false)]
    public void Endpoint_NamedOrNot(string key, bool isNamed) => Assert.Equal(isNamed, NamedInConfiguration.Endpoint(Configuration, key));

    [Theory]
    [InlineData("/srv/mainstay", true)]
    [InlineData("/srv", false)]
    [InlineData("/srv/mainstay/deeper", false)]
    [InlineData("/etc", false)]
    [InlineData("", false)]
    public void Path_NamedOrNot(string path, bool isNamed) => Assert.Equal(isNamed, NamedInConfiguration.Path(Configuration, path));

    [Theory]
    [InlineData("/etc/mainstay/site.key", true)]
    [InlineData("/etc/certificates/any.pem", true)]
    [InlineData("/etc/mainstay/other.key", false)]
    [InlineData("/etc/mainstay/site.key.old", false)]
    [InlineData("/etc/certificates/..", false)]
    [InlineData("/etc/certificates/deeper/any.pem", false)]
    [InlineData("/etc/certificates/../shadow", false)]
    [InlineData("/etc/shadow", false)]
    [InlineData("/etc", false)]
    [InlineData("", false)]
    public void File_ItselfOrItsDirectoryNamed(string path, bool isNamed) => Assert.Equal(isNamed, NamedInConfiguration.File(
        "tls: { site: { certificate: /etc/mainstay/site.pem, key: /etc/mainstay/site.key }, more: { directory: \"/etc/certificates/\" } }"u8, path));
}
