using Mainstay.Engine.Offload;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http.Auth;

/// <summary>Credentials on their way through the offload pool and back to their request.</summary>
/// <param name="serial">Of the request, which may have ended when the answer comes.</param>
internal sealed class CredentialCheck(
    EventLoop loop, ILoopReceiver receiver, int serial, Authenticator auth, byte[] credentials, UInt128 digest, long unixSeconds) : IOffloadWork
{
    /// <summary>The check itself failed: nothing is known of the credentials.</summary>
    public const string Fault = "fault";

    public Authenticator Auth => auth;
    public UInt128 Digest => digest;
    public AuthVerdict Verdict { get; private set; }

    public void Run()
    {
        try
        {
            Verdict = auth.Verify(credentials, unixSeconds);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // What a client sends must not end the worker, and must not be let in either.
            Verdict = new AuthVerdict(null, Fault, "");
        }

        Array.Clear(credentials);
        auth.Count(Verdict.Problem);
        loop.Post(receiver, this, serial);
    }
}
