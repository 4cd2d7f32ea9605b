using System.Globalization;
using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

/// <summary>
/// Whatever the bytes: a snapshot, or at least one error with a place in the file. Never an exception. MAINSTAY_FUZZ sets the number
/// of inputs of each test, MAINSTAY_SEED where they begin.
/// </summary>
public class FuzzTests
{
    private static readonly int Inputs = FromEnvironment("MAINSTAY_FUZZ", 8000);

    private static readonly int Seed = FromEnvironment("MAINSTAY_SEED", 1);

    private static readonly byte[][] Corpus =
    [
        .. Directory.GetFiles(RepositoryPaths.Of("examples"), "*.yaml").Select(File.ReadAllBytes),
        .. Directory.GetFiles(RepositoryPaths.Of("tests", "Mainstay.System.Tests", "Configuration", "testdata"), "*.yaml").Select(File.ReadAllBytes),
    ];

    private static readonly string[] Words =
    [
        "pools", "http", "servers", "check", "listen", "routes", "match", "to", "0", "-1", "99999999999999999999", "1s", "10MiB", "true", "~", "null",
        "*a", "&a ", "<<: *a", "!!int 3", "!x y", "---\n", "...\n", "? ", "- ", ": ", "[", "]", "{", "}", "\"", "'", "|\n", ">-\n", "#", "%YAML 9.9\n", "\t", "\n",
        "\u0000", "\ufeff", "\\x", "\"\\ud800\"", "~*(((", "unix:", "[::]:0", "200-399", "50%", "=", "^", "@", "`", "\r", "\u0085", "\u2028",
    ];

    [Fact]
    public void Compile_MutatedFiles_ResultIsASnapshotOrPositionedErrors()
    {
        var random = new Random(Seed);
        for (int i = 0; i < Inputs; i++)
        {
            byte[] mutated = Mutate(Corpus[random.Next(Corpus.Length)], random);
            AssertDecided(mutated, i);
        }
    }

    [Fact]
    public void Compile_RandomWords_ResultIsASnapshotOrPositionedErrors()
    {
        var random = new Random(Seed);
        for (int i = 0; i < Inputs; i++)
        {
            IEnumerable<string> words = Enumerable.Range(0, random.Next(1, 30)).Select(_ => Words[random.Next(Words.Length)]);
            AssertDecided(Encoding.UTF8.GetBytes(string.Concat(words)), i);
        }
    }

    [Fact]
    public void Compile_DeepNesting_IsRefusedWhereItGetsTooDeep()
    {
        ConfigResult result = Configurations.Compile(new string('[', 100_000));
        Assert.Contains("nested more than", Assert.Single(result.Errors).Message);
    }

    private static int FromEnvironment(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = new List<byte>(original);
        for (int changes = random.Next(1, 6); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count + 1);
            int length = Math.Min(random.Next(1, 20), bytes.Count - at);
            switch (random.Next(4))
            {
                case 0: bytes.RemoveRange(at, length); break;
                case 1: bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length)); break;
                case 2: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)])); break;
                default: bytes.Insert(at, (byte)random.Next(256)); break;
            }
        }

        return [.. bytes];
    }

    private static void AssertDecided(byte[] bytes, int number)
    {
        string text = Encoding.UTF8.GetString(bytes);
        ConfigResult result;
        try
        {
            result = Configurations.Compile(bytes, "fuzz.yaml");
        }
        catch (Exception problem)
        {
            throw new InvalidOperationException($"input {number}:\n{text}", problem);
        }

        Assert.True(result.Snapshot is null == result.Errors.Length > 0, text);
        int lines = text.ReplaceLineEndings("\n").Count(c => c is '\n' or '\u2029') + 1;
        Assert.All(result.Errors.Concat(result.Warnings), d => Assert.True(
            d.Position is { File: "fuzz.yaml", Column: >= 1, Line: >= 1 } && d.Position.Line <= lines && !d.Message.Any(char.IsControl), $"{d}\n{text}"));
        if (result.Snapshot is { } snapshot)
        {
            string written = ConfigWriter.Write(snapshot, Configurations.Surroundings);
            Assert.True(Configurations.Compile(written).Snapshot is not null, written);
        }
    }
}
