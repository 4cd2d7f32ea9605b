using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

public class RoundTripTests
{
    [Fact]
    public void Write_AnySnapshot_CompilesBackToTheSame()
    {
        for (int seed = 0; seed < 1500; seed++)
        {
            Snapshot written = new RandomSnapshots(seed).Next();
            string yaml = ConfigWriter.Write(written, Configurations.Surroundings);
            ConfigResult read = Configurations.Compile(yaml);
            Assert.True(read.Snapshot is not null, $"seed {seed}: {string.Join('\n', read.Errors)}\n{yaml}");
            Assert.Equivalent(written, read.Snapshot, strict: true);
            Assert.Empty(SnapshotDiff.Compare(written, read.Snapshot!));
        }
    }

    [Fact]
    public void Write_Defaults_AreLeftOut()
    {
        Snapshot snapshot = Configurations.Valid("""
            pools: { app: { balance: least-request, check: { http: /, interval: 1s, timeout: 500ms }, servers: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 2 }] } }
            http: { web: { listen: ["0.0.0.0:8080"], routes: [{ match: {}, to: app }] } }
            """);
        Assert.Equal(
            """
            # Groups of servers that do the same.
            pools:
              app:
                check: { http: / }
                servers:
                  - 10.0.0.1:80
                  - { address: "10.0.0.2:80", weight: 2 }

            # HTTP services.
            http:
              web:
                listen: 0.0.0.0:8080
                routes:
                  - { to: app }

            """.ReplaceLineEndings("\n"),
            ConfigWriter.Write(snapshot, Configurations.Surroundings));
    }
}
